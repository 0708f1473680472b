"""placeholder"""
def shell(request): return {}
