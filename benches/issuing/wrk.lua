-- Asks for links, one (BATCH=1) or a batch with each request. Every link is to other media of another event.
local batch = tonumber(os.getenv("BATCH"))
local rooms = tonumber(os.getenv("ROOMS"))
local run = os.getenv("RUN")
local count = 0
local failed = 0

wrk.method = "POST"
wrk.path = batch == 1 and "/v1/links" or "/v1/links/batch"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.headers["Content-Type"] = "application/json"

local function order()
  count = count + 1
  return string.format(
    '{"mxc":"mxc://example.org/%s%d","room_id":"!room%d:example.org","event_id":"$%s%d",'
      .. '"sender":"@someone:example.org","filename":"picture.jpg","mimetype":"image/jpeg","size":123456}',
    run, count, count % rooms, run, count)
end

function request()
  if batch == 1 then
    return wrk.format(nil, nil, nil, order())
  end
  local orders = {}
  for i = 1, batch do
    orders[i] = order()
  end
  return wrk.format(nil, nil, nil, '{"links":[' .. table.concat(orders, ",") .. "]}")
end
