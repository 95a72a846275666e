"""Speed, measured on the machine at hand and printed beside what that machine can do at all: `make bench`."""
