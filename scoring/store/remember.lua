-- Notes what an account was scored with, where that is new. An entry holds from its moment until the next one's.
-- KEYS[1]  a sorted set: moment -> "moment content"
-- ARGV     1 the moment, in unix seconds, 2 the content, 3 seconds that the set lives on, 4 how many entries are
--          kept, 5 the earliest moment that is of use, 6 "1" where the entry is only for an account without any
-- Returns  1 where it was new.
local key, moment, content = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local entries = redis.call('ZRANGE', key, 0, -1)

local function parts(entry)
  local blank = string.find(entry, ' ', 1, true)
  return tonumber(string.sub(entry, 1, blank - 1)), string.sub(entry, blank + 1)
end

local function holds(entry)
  return entry and select(2, parts(entry)) == content
end

local before, after
for _, entry in ipairs(entries) do
  if parts(entry) <= moment then before = entry else after = after or entry end
end
local new = not (holds(before) or (ARGV[6] == '1' and #entries > 0))
if new then
  if holds(after) then redis.call('ZREM', key, after) end -- it held from an earlier moment on
  redis.call('ZADD', key, ARGV[1], ARGV[1] .. ' ' .. content)
end

-- Of too many, the entry that held for the shortest time goes: callers that take turns with what they send leave
-- the longer history alone. The last entry always stays.
entries = redis.call('ZRANGE', key, 0, -1)
while #entries > 1 and parts(entries[2]) < tonumber(ARGV[5]) do
  redis.call('ZREM', key, table.remove(entries, 1))
end
while #entries > tonumber(ARGV[4]) do
  local shortest, least = 1, math.huge
  for place = 1, #entries - 1 do
    local held = parts(entries[place + 1]) - parts(entries[place])
    if held < least then shortest, least = place, held end
  end
  redis.call('ZREM', key, table.remove(entries, shortest))
end
redis.call('EXPIRE', key, ARGV[3])
return new and 1 or 0
