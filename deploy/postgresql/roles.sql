-- Two roles: portal_owner migrates, portal_web serves. The web role owns nothing and cannot change a table, so a hole in
-- the portal cannot drop a constraint or the triggers that keep the evidence insert-only.
--
-- As a superuser, once, before the first migration:
--   createdb --encoding=UTF8 --template=template0 --locale=C.UTF-8 portal
--   psql -d portal -v owner_password="..." -v web_password="..." -f deploy/postgresql/roles.sql

CREATE ROLE portal_owner LOGIN NOSUPERUSER PASSWORD :'owner_password';
CREATE ROLE portal_web LOGIN NOSUPERUSER PASSWORD :'web_password';

CREATE EXTENSION IF NOT EXISTS pg_trgm;

REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE portal TO portal_owner, portal_web;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO portal_owner;
GRANT USAGE ON SCHEMA public TO portal_web;

ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portal_web;
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO portal_web;
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
    GRANT EXECUTE ON FUNCTIONS TO portal_web;

-- Personal data has no place in the server's log: no statements, no values of rows in error messages.
ALTER DATABASE portal SET log_min_error_statement = 'panic';
ALTER DATABASE portal SET log_error_verbosity = 'terse';
ALTER DATABASE portal SET timezone = 'UTC';
