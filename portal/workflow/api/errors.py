"""Errors of the workflow services as problem responses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed, not_found
from portal.workflow import errors
from portal.workflow.models import Application, StageStatus, Status
from portal.workflow.plans import Change


@contextmanager
def translated() -> Iterator[None]:
    """Turns what a service raises into the problem that says it to a program."""
    try:
        yield
    except errors.InvalidApplication as exc:
        raise invalid(_field_problems(exc), 422) from exc
    except errors.AlreadyDecided as exc:
        raise _already_decided(exc) from exc
    except errors.ContentChanged as exc:
        raise _content_changed(exc) from exc
    except errors.MoveNotAllowed as exc:
        raise Problem(
            409,
            "move-not-allowed",
            _("The application is “%(status)s”; this step is not possible now.")
            % {"status": Status(exc.status).label},
            extra={"application_status": exc.status},
        ) from exc
    except errors.NobodyCanDecide as exc:
        detail = _("Nobody could decide the stage “%(stage)s”. Ask network operations.")
        raise Problem(422, "nobody-can-decide", detail % {"stage": _(exc.stage_label)}) from exc
    except errors.NotAllowed as exc:
        raise not_allowed(str(exc.reason)) from exc
    except Application.DoesNotExist as exc:
        raise not_found() from exc


def _field_problems(exc: errors.InvalidApplication) -> Iterator[FieldProblem]:
    for path, texts in exc.errors.items():
        for text in texts:
            yield FieldProblem(path.replace(".", "/"), str(text))


def _already_decided(exc: errors.AlreadyDecided) -> Problem:
    stage = exc.stage
    decision: dict[str, Any] = {
        "stage_id": stage.pk,
        "status": stage.status,
        "decided_by": stage.decided_by.display_name if stage.decided_by else None,
        "decided_at": stage.decided_at.isoformat() if stage.decided_at else None,
    }
    return Problem(
        409,
        "already-decided",
        _("This stage is “%(status)s” already.") % {"status": StageStatus(stage.status).label},
        extra={"decision": decision},
    )


def _content_changed(exc: errors.ContentChanged) -> Problem:
    changes = [
        {"attribute": change.attribute, "before": list(change.before), "after": list(change.after)}
        for change in exc.changes
        if isinstance(change, Change)
    ]
    return Problem(
        409,
        "content-changed",
        _("What you saw has changed since. Read the application again before you decide."),
        extra={"changes": changes},
    )
