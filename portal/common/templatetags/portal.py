"""Template tags of every page: icons, dates, status chips, form fields."""

from django import template

register = template.Library()
