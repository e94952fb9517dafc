-- Notes which other logs hold signals of the same account.
-- KEYS[1]  the set of them
-- ARGV     1 seconds it lives on, then the others
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
