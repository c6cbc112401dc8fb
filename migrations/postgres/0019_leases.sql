-- Work that one replica does at a time, and until when it has it. A lease that nobody renews runs out.

CREATE TABLE leases (
    name   TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL, -- a random value of each start of a service
    until  BIGINT NOT NULL
);
