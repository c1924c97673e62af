"""moto's server, with what the bed needs beside it.

A stand-in for AWS, and no more than that: percentiles, which moto's CloudWatch does not know; tasks of
ECS that end (moto_tasks.py); deployments of AppConfig (moto_appconfig.py); faults that a test asks
for; and a record of the calls with the key that made them.

    GET  /bed/calls           [{service, action, key, status, asked}]
    DELETE /bed/calls         forgets them
    PUT  /bed/faults          [{service, action?, code, status, times?}], the whole list anew
    PUT  /bed/tasks           {arn, code, reason?}: the process of a task has ended
    PUT  /bed/services        {arn, count}: so many tasks of a service run

Prints its port. Ends when its standard input does, so that it never outlives its test.
"""

import functools
import io
import json
import re
import sys
import threading
from urllib.parse import parse_qs

import moto_appconfig
import moto_tasks
from moto.cloudwatch import models as cloudwatch
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/[^/]+/([^/]+)/aws4_request")

# Of a value of a call's form, to be remembered.
MOST = 500

known_statistics = cloudwatch.Statistics.get_statistics_for_type


def with_percentiles(self, stat):
    """The nearest rank, as of the values that were put; CloudWatch interpolates within buckets."""
    if not stat.startswith("p"):
        return known_statistics(self, stat)
    values = sorted(self.metric_single_values_list)
    if not values:
        return None
    rank = -(-len(values) * float(stat[1:]) // 100)
    return values[max(0, int(rank) - 1)]


def before(self, other):
    """moto compares a value with a name, so that the order in which dimensions are given decides."""
    return (self.name, self.value or "") < (other.name, other.value or "")


cloudwatch.Statistics.get_statistics_for_type = with_percentiles
cloudwatch.Dimension.__lt__ = before
moto_tasks.patch()
moto_appconfig.patch()


class Dispatcher(DomainDispatcherApplication):
    """moto looks through its own folders for every call, all others waiting; they do not change."""

    @functools.cache
    def get_backend_for_host(self, host):
        return super().get_backend_for_host(host)


class Bed:
    """The application in front of moto's own."""

    def __init__(self, app):
        self.app = app
        self.calls = []
        self.faults = []
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/bed/"):
            return self.control(path, environ, start_response)
        found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if not found:
            return self.app(environ, start_response)
        key, service = found.groups()
        action = self.action_of(environ)
        call = {"service": service, "action": action, "key": key, "status": None}
        call["asked"] = self.asked_for(environ)
        with self.lock:
            self.calls.append(call)
            fault = self.fault_for(service, action)
        if fault:
            call["status"] = fault["status"]
            return refuse(fault, environ, start_response)

        def remember(status, headers, exc_info=None):
            call["status"] = int(status.split(" ")[0])
            return start_response(status, headers, exc_info)

        return self.app(environ, remember)

    def action_of(self, environ):
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            return target.split(".")[-1]
        smithy = re.search(r"/operation/(\w+)", environ.get("PATH_INFO", ""))
        if smithy:
            return smithy.group(1)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return parse_qs(body.decode()).get("Action", [""])[0]
        return f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"

    def asked_for(self, environ):
        """What a call is about: its form as it was sent, or the names in its JSON."""
        kind = environ.get("CONTENT_TYPE", "")
        if not kind.startswith(("application/x-www-form-urlencoded", "application/x-amz-json")):
            return {}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if kind.startswith("application/x-www-form-urlencoded"):
            return {name: values[0][:MOST] for name, values in parse_qs(body.decode()).items()}
        asked = json.loads(body or b"{}")
        return {name: asked[name] for name in ("Name", "Names", "Path") if name in asked}

    def fault_for(self, service, action):
        for fault in self.faults:
            if fault["service"] != service or fault.get("action", action) != action:
                continue
            if fault.get("times") is None:
                return fault
            if fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return None

    def control(self, path, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = []
        with self.lock:
            if path == "/bed/faults":
                self.faults = json.loads(body)
            elif path == "/bed/tasks":
                asked = json.loads(body)
                moto_tasks.end_task(asked["arn"], asked["code"], asked.get("reason"))
            elif path == "/bed/services":
                asked = json.loads(body)
                moto_tasks.count_running(asked["arn"], asked["count"])
            elif environ["REQUEST_METHOD"] == "DELETE":
                self.calls = []
            else:
                answer = list(self.calls)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]


def refuse(fault, environ, start_response):
    code, status = fault["code"], fault["status"]
    text = f"the bed was asked to answer {code}"
    xml = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    if xml:
        kind = "application/xml"
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{text}</Message></Error><RequestId>bed</RequestId></ErrorResponse>"
        )
    else:
        kind = "application/json"
        body = json.dumps({"__type": code, "message": text})
    headers = [("Content-Type", kind), ("x-amzn-ErrorType", code)]
    start_response(f"{status} Fault", headers)
    return [body.encode()]


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_args):
        pass


def main():
    app = Bed(Dispatcher(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


main()
