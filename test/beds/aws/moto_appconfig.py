"""What moto's AppConfig lacks for the bed: environments, deployment strategies and deployments. A
deployment is complete at once, whatever its strategy says."""

import json

from moto.appconfig import urls
from moto.appconfig.responses import AppConfigResponse as Response
from moto.moto_api._internal import mock_random

PATHS = [
    "{0}/applications/(?P<app_id>[^/]+)/environments$",
    "{0}/applications/(?P<app_id>[^/]+)/environments/(?P<env_id>[^/]+)$",
    "{0}/applications/(?P<app_id>[^/]+)/environments/(?P<env_id>[^/]+)/deployments$",
    "{0}/deploymentstrategies$",
    "{0}/deployementstrategies/(?P<strategy_id>[^/]+)$",
]


def kept(backend):
    if not hasattr(backend, "bed"):
        backend.bed = {"environments": {}, "strategies": {}, "deployments": {}}
    return backend.bed


def create_environment(self):
    backend = self.appconfig_backend
    made = {
        "ApplicationId": backend.get_application(self._get_param("ApplicationId")).id,
        "Id": mock_random.get_random_hex(7),
        "Name": self._get_param("Name"),
        "State": "READY_FOR_DEPLOYMENT",
    }
    kept(backend)["environments"][made["Id"]] = made
    return json.dumps(made)


def delete_environment(self):
    kept(self.appconfig_backend)["environments"].pop(self._get_param("EnvironmentId"))
    return "{}"


def create_deployment_strategy(self):
    made = {
        "Id": mock_random.get_random_hex(7),
        "Name": self._get_param("Name"),
        "DeploymentDurationInMinutes": self._get_param("DeploymentDurationInMinutes"),
        "GrowthFactor": self._get_param("GrowthFactor"),
        "FinalBakeTimeInMinutes": self._get_param("FinalBakeTimeInMinutes"),
        "ReplicateTo": self._get_param("ReplicateTo"),
    }
    kept(self.appconfig_backend)["strategies"][made["Id"]] = made
    return json.dumps(made)


def delete_deployment_strategy(self):
    kept(self.appconfig_backend)["strategies"].pop(self._get_param("DeploymentStrategyId"))
    return "{}"


def start_deployment(self):
    backend = self.appconfig_backend
    bed = kept(backend)
    environment = bed["environments"][self._get_param("EnvironmentId")]
    strategy = bed["strategies"][self._get_param("DeploymentStrategyId")]
    all_of_it = bed["deployments"].setdefault(environment["Id"], [])
    made = {
        "ApplicationId": environment["ApplicationId"],
        "EnvironmentId": environment["Id"],
        "DeploymentStrategyId": strategy["Id"],
        "ConfigurationProfileId": self._get_param("ConfigurationProfileId"),
        "DeploymentNumber": len(all_of_it) + 1,
        "ConfigurationVersion": self._get_param("ConfigurationVersion"),
        "State": "COMPLETE",
        "PercentageComplete": 100.0,
    }
    all_of_it.append(made)
    return json.dumps(made)


def list_deployments(self):
    """The newest first, as AppConfig gives them."""
    found = kept(self.appconfig_backend)["deployments"].get(self._get_param("EnvironmentId"), [])
    most = int(self._get_param("max_results") or self._get_param("MaxResults") or 50)
    return json.dumps({"Items": found[::-1][:most]})


def patch():
    for each in (
        create_environment,
        delete_environment,
        create_deployment_strategy,
        delete_deployment_strategy,
        start_deployment,
        list_deployments,
    ):
        setattr(Response, each.__name__, each)
    for path in PATHS:
        urls.url_paths[path] = Response.dispatch
