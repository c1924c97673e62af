"""What moto's ECS lacks for the bed: tasks whose end somebody can report, services whose tasks somebody
runs, and the client token by which RunTask starts one task, however often it is asked."""

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs import models as ecs
from moto.ecs.responses import EC2ContainerServiceResponse as Response

first_container = ecs.Container.__init__
run_task = Response.run_task
update_service = ecs.EC2ContainerServiceBackend.update_service
needs = ecs.EC2ContainerServiceBackend._calculate_task_resource_requirements


def without_end(self, *args, **kwargs):
    """moto gives a container that runs the exit code 0."""
    first_container(self, *args, **kwargs)
    self.exitCode = None


def once_for_a_token(self):
    token = self._get_param("clientToken")
    known = getattr(self.ecs_backend, "bed_tokens", None)
    if known is None:
        known = self.ecs_backend.bed_tokens = {}
    if token is None or token not in known:
        answer = run_task(self)
        if token is not None:
            known[token] = answer
        return answer
    return known[token]


def not_running_yet(self, properties):
    """moto says at once that all of the tasks run."""
    service = update_service(self, properties)
    service.running_count = 0
    return service


def needs_of_fargate(task_definition):
    """moto wants the memory of each container, which a task of Fargate need not give."""
    for container in task_definition.container_definitions:
        container["memory"] = container.get("memory") or 0
    return needs(task_definition)


def patch():
    ecs.EC2ContainerServiceBackend._calculate_task_resource_requirements = staticmethod(
        needs_of_fargate
    )
    ecs.Container.__init__ = without_end
    # Of a network without names moto's interface has none, and its task asks for one.
    NetworkInterface.private_dns_name = ""
    # A look at a task is no reason for it to go on to its next state.
    ecs.Task.advance = lambda self: None
    Response.run_task = once_for_a_token
    ecs.EC2ContainerServiceBackend.update_service = not_running_yet


def backends():
    return [each for regions in ecs.ecs_backends.values() for each in regions.values()]


def end_task(arn, code, reason):
    """PUT /bed/tasks: how the process of a task ended, as its agent would report it."""
    for backend in backends():
        for tasks in backend.tasks.values():
            task = tasks.get(arn)
            if task is None or task.last_status == "STOPPED" and task.containers[0].exitCode is not None:
                continue
            task.last_status = task.desired_status = "STOPPED"
            task.stopped_reason = task.stopped_reason or "Essential container in task exited"
            task.containers[0].exitCode = code
            task.containers[0].reason = reason
            task.containers[0].last_status = "STOPPED"


def count_running(arn, count):
    """PUT /bed/services: how many tasks of its present definition a service has."""
    for backend in backends():
        for service in backend.services.values():
            if service.arn == arn:
                service.running_count = count
