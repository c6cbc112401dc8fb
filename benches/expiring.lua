-- Follows the links of a file, one path a line, at a steady rate: each connection rests between two requests.

local paths, number = {}, 0
for path in io.lines(os.getenv("PATHS")) do
  paths[#paths + 1] = path
end

function delay()
  return 20
end

function request()
  number = number % #paths + 1
  return wrk.format("GET", paths[number])
end
