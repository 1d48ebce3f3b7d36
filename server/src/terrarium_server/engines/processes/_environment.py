"""The environment of a model process: the variables that libraries need, and no secret of the server.

Only listed variables are passed on, because owners may keep keys in variables of any name.
"""

import re
from collections.abc import Mapping

_NAMES = frozenset(
    """
    PATH HOME USER LOGNAME LANG LANGUAGE TZ TZDIR TMPDIR TEMP TMP
    XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_DATA_DIRS
    LD_LIBRARY_PATH LD_PRELOAD GLIBC_TUNABLES VIRTUAL_ENV
    PYTHONHOME PYTHONPATH PYTHONUSERBASE PYTHONNOUSERSITE PYTHONPLATLIBDIR PYTHONUTF8 PYTHONIOENCODING
    PYTHONHASHSEED PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONMALLOC PYTHONFAULTHANDLER
    PYTHONWARNINGS PYTHONUNBUFFERED
    HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_ASSETS_CACHE HF_XET_CACHE HF_MODULES_CACHE
    TRANSFORMERS_CACHE HF_ENDPOINT HF_HUB_OFFLINE TRANSFORMERS_OFFLINE HF_HUB_ETAG_TIMEOUT
    HF_HUB_DOWNLOAD_TIMEOUT HF_HUB_DISABLE_XET HF_HUB_DISABLE_SYMLINKS_WARNING
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    TORCH_HOME IMAGEIO_FFMPEG_EXE ESPEAK_DATA_PATH
    """.split()
)
_FAMILIES = (
    *("DYLD_", "MALLOC_", "FONTCONFIG_"),
    *("CUDA_", "NVIDIA_", "CUBLAS_", "CUDNN_", "NCCL_", "ROCR_", "ROCM_", "HIP_", "HSA_", "MIOPEN_", "VK_"),
    *("PYTORCH_", "TORCH_", "TORCHINDUCTOR_", "TRITON_", "GGML_", "ORT_"),
    *("OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "MKL_", "OMP_", "KMP_", "GOMP_", "NUMEXPR_"),
)
# Turns off the telemetry of libraries.
_NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
_SECRET_NAME = re.compile("TOKEN|KEY|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
# Addresses with a login: https://name:password@host.
_SECRET_VALUE = re.compile(r"//[^/\s]*@")
# A proxy is a host and a port, with or without a scheme; anything else in it may be a password.
_PROXY = re.compile(r"([a-z0-9]+://)?[\w.\[\]:-]+/?", re.IGNORECASE)
_LOCALES = {f"LC_{part}" for part in "ALL COLLATE CTYPE MESSAGES MONETARY NUMERIC TIME".split()}


def child_environment(server: Mapping[str, str]) -> dict[str, str]:
    """Return those of the server's environment variables that a model process may see."""
    return {name: value for name, value in server.items() if _is_allowed(name, value)} | _NO_TELEMETRY


def _is_allowed(name: str, value: str) -> bool:
    is_listed = name in _NAMES | _LOCALES or name.startswith(_FAMILIES)
    if name.lower().endswith("_proxy") and name.lower() != "no_proxy" and not _PROXY.fullmatch(value):
        return False
    return is_listed and not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
