"""The addresses of the audit: each room brings its own."""

from audit.cycles.urls import urlpatterns as cycles
from audit.dashboards.urls import urlpatterns as dashboards
from audit.imports.urls import urlpatterns as imports
from audit.ledgers.urls import urlpatterns as ledgers
from audit.reconciliation.urls import urlpatterns as reconciliation
from audit.reports.urls import urlpatterns as reports
from audit.retention.urls import urlpatterns as retention

urlpatterns = [*dashboards, *cycles, *imports, *ledgers, *reconciliation, *reports, *retention]
