"""Maps by name: files, CARLA towns and generated towns, with the landmarks that instructions can speak of."""
