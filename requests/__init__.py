"""Change tickets to operations (DNS, password policy, computer objects, unlock).

The label is `change_requests`, so that tables and permissions never carry the name of the PyPI library (docs/adr/0003).
"""
