-- Puts a compacted log in the place of what was read; what was added since then stays behind it.
-- KEYS[1]  the log
-- ARGV     1 how many bytes were read, 2 their SHA-1, 3 the compacted log
-- Returns  1, or 0 where the log is no longer the one that was read: read again.
local log = redis.call('GET', KEYS[1]) or ''
local read = tonumber(ARGV[1])
if #log < read or redis.sha1hex(string.sub(log, 1, read)) ~= ARGV[2] then return 0 end
local kept = ARGV[3] .. string.sub(log, read + 1)
if kept == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], kept, 'KEEPTTL')
end
return 1
