-- Adds records to logs, each id once. A log is a set: the order of its records means nothing.
-- KEYS     the logs; record.py says what a record of 24 bytes is
-- ARGV     1 the new records, in the order of the logs, no id twice in one log, 2 seconds a log lives on, 3 the
--          bytes from which a log is to be compacted, 4 the earliest time kept, in unix seconds; then how many
--          records each log gets
-- Returns  which records had an id that is known, and which logs are to be compacted, both counted from 1.
local SIZE, ID, AT = 24, 8, 9
local find, sub, unpack, call = string.find, string.sub, struct.unpack, redis.call
local records, seconds, longest, earliest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local known, long = {}, {}

-- Numbers, not strings, are compared: Lua compares strings by the server's locale.
local function is_later(one, other)
  local a, b = { unpack('<I4I4I4I4I4I4', one) }, { unpack('<I4I4I4I4I4I4', other) }
  for _, word in ipairs({ 3, 4, 6, 5 }) do -- time, then the rest; the ids are the same
    if a[word] ~= b[word] then return a[word] > b[word] end
  end
  return false
end

local function place_of(log, id)
  local place = find(log, id, 1, true)
  while place and place % SIZE ~= 1 do place = find(log, id, place + 1, true) end
  return place
end

-- Of two records of one id the later stays, in the place of the other.
local function add(log, first, last)
  for start = first, last, SIZE do
    local record = sub(records, start, start + SIZE - 1)
    local place = place_of(log, sub(record, 1, ID))
    if not place then
      log = log .. record
    else
      known[#known + 1] = (start - 1) / SIZE + 1
      if is_later(record, sub(log, place, place + SIZE - 1)) then
        log = sub(log, 1, place - 1) .. record .. sub(log, place + SIZE)
      end
    end
  end
  return log
end

local first = 1
for number = 1, #KEYS do
  local before = call('GET', KEYS[number]) or ''
  if #before % SIZE ~= 0 then return redis.error_reply('ERR a log is not a whole number of records') end
  local last = first + ARGV[4 + number] * SIZE - 1
  local all_new = true
  for start = first, last, SIZE do
    if find(before, sub(records, start, start + ID - 1), 1, true) then all_new = false break end
  end
  local log = all_new and before .. sub(records, first, last) or add(before, first, last)
  if log ~= before then call('SET', KEYS[number], log, 'EX', seconds) end
  if #log >= longest or (#log > 0 and unpack('<I4', log, AT) < earliest) then long[#long + 1] = number end
  first = last + 1
end
return { known, long }
