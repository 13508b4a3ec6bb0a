from django.contrib.auth.backends import BaseBackend


class DirectoryBackend(BaseBackend):
    pass


class BreakGlassBackend(BaseBackend):
    pass
