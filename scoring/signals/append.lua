-- Adds records to one account's log, each exactly once, and keeps the log sorted and bounded.
-- KEYS[1]  the log: 24-byte records (scoring/signals/log.py says what is in them), oldest first
-- ARGV     1 the new records, 2 how many events and how many levels are kept, 3 seconds the log lives on,
--          4 the earliest time kept, in unix seconds
-- Returns one letter per new record: a(ccepted), d(uplicate), o(utdated: something newer stands in its place).
local SIZE, ID, AT, SLOT, FLAGS = 24, 1, 9, 17, 24
local most, earliest = tonumber(ARGV[2]), tonumber(ARGV[4])

local function record_at(log, index) return string.sub(log, index * SIZE + 1, (index + 1) * SIZE) end
local function is_level(log, index) return string.byte(log, index * SIZE + FLAGS) % 2 == 1 end
local function without(log, index) return string.sub(log, 1, index * SIZE) .. string.sub(log, (index + 1) * SIZE + 1) end

-- Numbers, not strings, are compared: Lua compares strings by the server's locale.
local function is_later(one, other)
  local a, b = { struct.unpack('<I4I4I4I4I4I4', one) }, { struct.unpack('<I4I4I4I4I4I4', other) }
  for _, word in ipairs({ 3, 2, 1, 4, 6, 5 }) do -- time, id, then the rest
    if a[word] ~= b[word] then return a[word] > b[word] end
  end
  return false
end

-- An event is known by its id, a level by its type and topic.
local function find(log, record)
  local level = is_level(record, 0)
  local first, length = ID, 8
  if level then first, length = SLOT, 4 end
  local wanted = string.sub(record, first, first + length - 1)
  local position = string.find(log, wanted, 1, true)
  while position do
    local index = math.floor((position - 1) / SIZE)
    if position == index * SIZE + first and is_level(log, index) == level then return index end
    position = string.find(log, wanted, position + 1, true)
  end
end

local function insert(log, record)
  local low, high = 0, #log / SIZE
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_later(record, record_at(log, middle)) then low = middle + 1 else high = middle end
  end
  return string.sub(log, 1, low * SIZE) .. record .. string.sub(log, low * SIZE + 1)
end

local function oldest(log, level)
  local index = 0
  while is_level(log, index) ~= level do index = index + 1 end
  return index
end

local function add(log, count, record)
  local level, index = is_level(record, 0), find(log, record)
  if index then
    local known = record_at(log, index)
    if known == record then return log, 'd' end
    if not is_later(record, known) then return log, level and 'o' or 'd' end
    return insert(without(log, index), record), level and 'a' or 'd'
  end
  log = insert(log, record)
  if count[level] < most then
    count[level] = count[level] + 1
    return log, 'a'
  end
  local first = oldest(log, level)
  return without(log, first), record_at(log, first) == record and 'o' or 'a'
end

local before = redis.call('GET', KEYS[1]) or ''
if #before % SIZE ~= 0 then return redis.error_reply('ERR the log is not a whole number of records') end

local log = before
while #log > 0 and struct.unpack('<I4', log, AT) < earliest do log = without(log, 0) end

local count = { [true] = 0, [false] = 0 }
for index = 0, #log / SIZE - 1 do
  local level = is_level(log, index)
  count[level] = count[level] + 1
end

local verdicts = {}
for index = 0, #ARGV[1] / SIZE - 1 do
  log, verdicts[index + 1] = add(log, count, record_at(ARGV[1], index))
end

if log ~= before then
  if string.sub(log, 1, #before) == before then -- a replica and the append-only file then get 24 bytes, not all
    redis.call('APPEND', KEYS[1], string.sub(log, #before + 1))
  else
    redis.call('SET', KEYS[1], log)
  end
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return table.concat(verdicts)
