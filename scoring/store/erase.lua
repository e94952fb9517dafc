-- Takes records out of a log: one person's, or all of them. What others add meanwhile comes before or after it.
-- KEYS[1]  the log; record.py says what a record of 24 bytes is
-- ARGV     1 the four bytes that stand for the person; none for everybody
-- Returns  how many records went.
local SIZE, PERSON = 24, 13
local sub, call = string.sub, redis.call
local log, person = call('GET', KEYS[1]) or '', ARGV[1]
if person == '' then
  call('UNLINK', KEYS[1])
  return math.ceil(#log / SIZE)
end
local kept, gone = {}, 0
for start = 1, #log, SIZE do
  local record = sub(log, start, start + SIZE - 1)
  if sub(record, PERSON, PERSON + 3) == person then
    gone = gone + 1
  else
    kept[#kept + 1] = record
  end
end
if gone > 0 then
  if #kept == 0 then
    call('UNLINK', KEYS[1])
  else
    call('SET', KEYS[1], table.concat(kept), 'KEEPTTL')
  end
end
return gone
