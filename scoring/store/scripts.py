"""The scripts that run inside the store, where a read and the write that follows from it are one step."""

from __future__ import annotations

from scoring.servers.script import Script

APPEND = Script.load(__package__, "append.lua")
ERASE = Script.load(__package__, "erase.lua")
COMPACT = Script.load(__package__, "compact.lua")
INTERN = Script.load(__package__, "intern.lua")
LINK = Script.load(__package__, "link.lua")
REMEMBER = Script.load(__package__, "remember.lua")
RELINK = Script.load(__package__, "relink.lua")
UNLOCK = Script.load(__package__, "unlock.lua")
