"""Where the heads of lights are, as the client tells it."""

import numpy as np

from drivevla.config.sensor_rig import load_rig
from drivevla.sim.routes import plan_points
from drivevla.sim.session import open_session
from drivevla.sim.truth import TruthMaker


def test_the_heads_of_every_light_are_told_in_the_ego_s_frame() -> None:
    with open_session(load_rig("blind"), map_name="Gen_tee_9", seed=0) as session:
        session.tick()
        carla_map, ego = session.map, session.ego
        here = carla_map.get_waypoint(ego.get_transform().location)
        onward = here.next(15.0)[0]
        ends = [(each.x, each.y, each.z) for each in (here.transform.location, onward.transform.location)]
        plan = plan_points(carla_map, ends)
        maker = TruthMaker(session.world, ego, carla_map, plan, actor_from_ego=session.actor_from_ego)
        told = {each.light_id: each for each in maker.read(timestamp_s=0.0).lights or ()}
        lights = {str(each.id): each for each in session.world.get_actors().filter("traffic.traffic_light")}
        assert told
        pose = ego.get_transform()
        for name, light in told.items():
            boxes = lights[name].get_light_boxes()
            assert light.heads_m is not None
            assert len(light.heads_m) == len(boxes) >= 1
            for head_m, box in zip(light.heads_m, boxes, strict=True):
                seen = pose.inverse_transform(box.location)
                # CARLA's right is our left; the ego's origin is the rear axle, a stretch behind the actor's.
                expected = np.array([seen.x, -seen.y, seen.z]) - session.actor_from_ego[:3, 3]
                np.testing.assert_allclose(head_m, expected, atol=0.02)
                assert light.position_m[2] + 2.0 < head_m[2]
