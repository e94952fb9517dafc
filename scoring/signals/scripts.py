"""The scripts that run inside the store, where a read and the write that follows from it are one step."""

from __future__ import annotations

from scoring.signals.servers import Script

APPEND = Script.load("append.lua")
ERASE = Script.load("erase.lua")
COMPACT = Script.load("compact.lua")
INTERN = Script.load("intern.lua")
LINK = Script.load("link.lua")
REMEMBER = Script.load("remember.lua")
RELINK = Script.load("relink.lua")
UNLOCK = Script.load("unlock.lua")
