-- Takes lines out of a text and adds others, each once.
-- KEYS[1]  the text
-- ARGV     1 seconds it lives on, 2 how many lines to take out, then these, then those to add
local gone, known, lines = {}, {}, {}
local first = 3 + tonumber(ARGV[2])
for index = 3, first - 1 do gone[ARGV[index]] = true end
local function add(line)
  if not gone[line] and not known[line] then
    known[line] = true
    lines[#lines + 1] = line
  end
end
for line in string.gmatch(redis.call('GET', KEYS[1]) or '', '[^\n]+') do add(line) end
for index = first, #ARGV do add(ARGV[index]) end
if #lines == 0 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], table.concat(lines, '\n'), 'EX', ARGV[1])
return #lines
