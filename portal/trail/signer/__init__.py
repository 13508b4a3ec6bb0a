"""The signing process: holds the key that neither the database nor the web process has (docs/adr/0040).

It signs a checkpoint only when it extends the one that it signed last. It keeps size and frontier of that one itself and
computes the next root from the new leaves, so that nobody can make it sign a shortened or rewritten log: a database that was
put back to yesterday's is refused. It needs neither Django nor a database.

    python -m portal.trail.signer init --dir /var/lib/portal-signer --name kokuho-network-portal/evidence
    python -m portal.trail.signer serve --dir /var/lib/portal-signer --socket /run/portal-signer/sign.sock
    python -m portal.trail.signer status --dir /var/lib/portal-signer
    python -m portal.trail.signer rewind --dir /var/lib/portal-signer --size 1402 --reason "restored from the backup of …" < leaves
"""
