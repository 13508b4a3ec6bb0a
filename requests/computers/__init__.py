"""Computer objects in Active Directory: kinds of application, their handlers, and the register (REQ-02)."""
