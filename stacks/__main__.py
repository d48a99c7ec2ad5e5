"""The program of every stack: reads the stack's YAML, plans, and wires the layers that the stack holds."""

import pulumi
from infra import deploy_infra, referenced_infra
from serving import deploy_serving

from polysilicon.catalog import Overlay, load_catalog
from polysilicon.planning.fleet import plan_fleet
from polysilicon.specs import FleetSpec

config = pulumi.Config("polysilicon")
fleet = FleetSpec.parse(config.require_object("fleet"), "polysilicon:fleet")
catalog = load_catalog().overlaid(Overlay.parse(config.get_object("overlay") or {}, "polysilicon:overlay"))
plan = plan_fleet(fleet, catalog, "polysilicon:fleet")

infra = deploy_infra(fleet, plan, catalog) if "infra" in fleet.layers else referenced_infra(fleet, plan)
if "serving" in fleet.layers:
    deploy_serving(fleet, plan.landings, infra, catalog)
