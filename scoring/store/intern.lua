-- Gives names small numbers, which they keep for as long as anything that holds them.
-- KEYS[1]  a hash: "kind/name" -> number, "kind#number" -> name, "#kind" -> the largest number given, "#epoch" ->
--          what tells this hash from the one that stood here before the store was emptied
-- ARGV     1 an epoch, should there be none; then kind, name and the kind's largest number, for each name
-- Returns the numbers; 1, "other", where a kind has run out of them.
redis.call('HSETNX', KEYS[1], '#epoch', ARGV[1])
local numbers = {}
for index = 2, #ARGV, 3 do
  local kind, name, largest = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  local number = tonumber(redis.call('HGET', KEYS[1], kind .. '/' .. name))
  if not number then
    local given = tonumber(redis.call('HGET', KEYS[1], '#' .. kind) or 1)
    number = 1
    if given < largest then
      number = given + 1
      redis.call('HSET', KEYS[1], '#' .. kind, number, kind .. '/' .. name, number, kind .. '#' .. number, name)
    end
  end
  numbers[#numbers + 1] = number
end
return numbers
