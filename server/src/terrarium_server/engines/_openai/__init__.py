"""The endpoints of the OpenAI API: what is asked of each, and how its answers are read."""

from ._calls import Calls, Report
from ._card import ENDPOINTS, OpenAICard
from ._chat import chat, check_media
from ._images import images
from ._speech import speech
from ._videos import Videos

__all__ = ["ENDPOINTS", "Calls", "OpenAICard", "Report", "Videos", "chat", "check_media", "images", "speech"]
