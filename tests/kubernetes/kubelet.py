#!/usr/bin/env python3
"""A node of Kubernetes that runs pods as processes of this machine: what is left of a kubelet without a container engine.

It registers a node, binds each pod that nobody has bound, starts the command of its container with the pod's environment, reports
phases, conditions and exit codes, ends it by SIGTERM and after the grace period by SIGKILL where the pod is deleted, and serves its
output to `kubectl logs`. ConfigMaps, Secrets, empty directories and claims are folders here; where the command or a variable of the
manifest names a path at which one of them is mounted, the process is given that folder's.

There are no images: --image says which program stands for one. Users, limits, networks and probes of a pod are passed over. A pod of
several containers, with init containers, other volumes or restarts stays Pending and says why.

`scripts/kubernetes up` starts it. FILE of --kubeconfig is JSON, as that script writes it; nothing is needed but Python and util-linux.
The folder of --dir gets, for each pod, pods/NAMESPACE/POD/ with `pid`, `log` and `volumes/`; claims/NAMESPACE/CLAIM/ outlives the pods.
"""

import argparse
import base64
import datetime
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

RETRY_SECONDS = 0.5
MERGE_PATCH = "application/merge-patch+json"
# Not there, or another one has its name, or it was changed in between, of which another change tells.
GONE = (404, 409)


class Refused(Exception):
    """The API server said no."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Unrunnable(Exception):
    """A pod cannot be started; it may be later, when what it names is there."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Api:
    """The API server, as a kubeconfig names it."""

    def __init__(self, kubeconfig):
        config = json.loads(pathlib.Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.address = urllib.parse.urlsplit(cluster["server"]).netloc
        self.tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.headers = {"Authorization": f"Bearer {user['token']}"}

    def open(self, method, path, body=None, kind="application/json", seconds=30):
        connection = http.client.HTTPSConnection(self.address, context=self.tls, timeout=seconds)
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {**self.headers, "Content-Type": kind})
        answer = connection.getresponse()
        if answer.status >= 400:
            text = answer.read().decode(errors="replace")
            connection.close()
            try:
                text = json.loads(text)["message"]
            except (ValueError, KeyError):
                pass
            raise Refused(answer.status, text)
        return connection, answer

    def ask(self, method, path, body=None, kind="application/json"):
        """What it answers, as soon as it is there to answer."""
        for attempt in range(120):
            try:
                connection, answer = self.open(method, path, body, kind)
                try:
                    return json.load(answer)
                finally:
                    connection.close()
            except (OSError, http.client.HTTPException):
                if attempt == 119:
                    raise
                time.sleep(RETRY_SECONDS)

    def get(self, path):
        return self.ask("GET", path)

    def pods(self):
        """Each pod as it is, then as it becomes: the kind of change, and the pod. Ends when the server ends the watch."""
        listed = self.get("/api/v1/pods")
        for pod in listed["items"]:
            yield "LISTED", pod
        since = listed["metadata"]["resourceVersion"]
        path = f"/api/v1/pods?watch=true&timeoutSeconds=240&resourceVersion={since}"
        connection, answer = self.open("GET", path, seconds=300)
        try:
            while line := answer.readline():
                change = json.loads(line)
                if change["type"] == "ERROR":
                    return
                yield change["type"], change["object"]
        finally:
            connection.close()


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def path_of(pod, more=""):
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}{more}"


def said(text):
    print(f"{now()} {text}", file=sys.stderr, flush=True)


def expanded(text, variables):
    """$(NAME) as Kubernetes replaces it: what is not known stays, and $$ is one $."""

    def value(match):
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)", value, text)


def mapped(text, mounts):
    """The text with each path below a mount as what it is on this machine."""
    if not mounts:
        return text
    paths = "|".join(re.escape(path) for path in sorted(mounts, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])({paths})(?![\w.-])", lambda match: str(mounts[match[1]]), text)


class Process:
    """A pod that is bound to this node, from its start to the end of its process."""

    def __init__(self, node, pod):
        self.node, self.api, self.pod = node, node.api, pod
        meta = pod["metadata"]
        self.name, self.namespace, self.uid = meta["name"], meta["namespace"], meta["uid"]
        self.folder = node.folder / "pods" / self.namespace / self.name
        self.log = self.folder / "log"
        self.ending, self.ended = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.running, self.started_at = None, None

    def __str__(self):
        return f"{self.namespace}/{self.name}"

    # --- what the manifest says ---------------------------------------------------------------------------------------

    def stored(self, kind, name, optional):
        """What is in a ConfigMap or a Secret, as bytes; None where it may be missing and is."""
        try:
            found = self.api.get(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        except Refused as refused:
            if refused.status == 404 and optional:
                return None
            raise Unrunnable("CreateContainerConfigError", str(refused)) from refused
        if kind == "secrets":
            return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
        plain = {key: value.encode() for key, value in (found.get("data") or {}).items()}
        return plain | {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}

    def field(self, path):
        """A field of the pod, as fieldRef names it."""
        meta, spec = self.pod["metadata"], self.pod["spec"]
        if match := re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path):
            return (meta.get(match[1]) or {}).get(match[2], "")
        known = {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "metadata.uid": self.uid,
            "spec.nodeName": self.node.name,
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "status.hostIP": "127.0.0.1",
            "status.podIP": "127.0.0.1",
        }
        if path not in known:
            raise Unrunnable("CreateContainerConfigError", f"fieldRef {path} is not known to this node")
        return known[path]

    def variables(self, container):
        """The container's environment, without that of the image."""
        found = {}
        for source in container.get("envFrom") or []:
            for reference, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
                if reference in source:
                    wanted = source[reference]
                    stored = self.stored(kind, wanted["name"], wanted.get("optional", False)) or {}
                    found |= {source.get("prefix", "") + key: value.decode() for key, value in stored.items()}
        for variable in container.get("env") or []:
            name, source = variable["name"], variable.get("valueFrom")
            if source is None:
                found[name] = expanded(variable.get("value", ""), found)
            elif "fieldRef" in source:
                found[name] = self.field(source["fieldRef"]["fieldPath"])
            elif "configMapKeyRef" in source or "secretKeyRef" in source:
                kind = "configmaps" if "configMapKeyRef" in source else "secrets"
                wanted = source.get("configMapKeyRef") or source["secretKeyRef"]
                stored = self.stored(kind, wanted["name"], wanted.get("optional", False)) or {}
                if wanted["key"] in stored:
                    found[name] = stored[wanted["key"]].decode()
                elif not wanted.get("optional", False):
                    raise Unrunnable("CreateContainerConfigError", f"{kind} {wanted['name']} has no key {wanted['key']}")
            else:
                raise Unrunnable("CreateContainerConfigError", f"{name}: this node knows no {', '.join(source)}")
        return found

    def volume(self, volume):
        """The folder of a volume, filled."""
        name = volume["name"]
        folder = self.folder / "volumes" / name
        if claim := volume.get("persistentVolumeClaim"):
            wanted = claim["claimName"]
            try:
                self.api.get(f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims/{wanted}")
            except Refused as refused:
                raise Unrunnable("ContainerCreating", str(refused)) from refused
            folder = self.node.folder / "claims" / self.namespace / wanted
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in volume:
            return folder
        if "configMap" in volume:
            source, kind, wanted = volume["configMap"], "configmaps", volume["configMap"]["name"]
        elif "secret" in volume:
            source, kind, wanted = volume["secret"], "secrets", volume["secret"]["secretName"]
        else:
            kinds = ", ".join(kind for kind in volume if kind != "name")
            raise Unrunnable("ContainerCreating", f"volume {name}: this node knows no {kinds}")
        stored = self.stored(kind, wanted, source.get("optional", False)) or {}
        items = source.get("items") or [{"key": key, "path": key} for key in stored]
        for item in items:
            if item["key"] not in stored:
                raise Unrunnable("ContainerCreating", f"{kind} {wanted} has no key {item['key']}")
            file = folder / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(stored[item["key"]])
        return folder

    def command(self):
        """The words and the environment of the process."""
        spec = self.pod["spec"]
        if len(spec["containers"]) != 1 or spec.get("initContainers") or spec["restartPolicy"] != "Never":
            raise Unrunnable("CreateContainerError", "this node runs pods of one container that is never restarted")
        container = spec["containers"][0]
        if container["image"] not in self.node.images:
            raise Unrunnable("ErrImagePull", f"no --image {container['image']}=PROGRAM was given to this node")
        folders = {volume["name"]: self.volume(volume) for volume in spec.get("volumes") or []}
        mounts = {}
        for mount in container.get("volumeMounts") or []:
            mounts[mount["mountPath"].rstrip("/")] = folders[mount["name"]] / mount.get("subPath", "")
        variables = self.variables(container)
        entry = container.get("command") or [self.node.images[container["image"]]]
        arguments = [mapped(expanded(word, variables), mounts) for word in container.get("args") or []]
        environment = {"PATH": os.defpath, "HOME": "/", "HOSTNAME": self.name}
        if "/tmp" in mounts:
            environment["TMPDIR"] = str(mounts["/tmp"])
        environment |= {name: mapped(value, mounts) for name, value in variables.items()}
        return [*entry, *arguments], environment

    # --- its life -----------------------------------------------------------------------------------------------------

    def live(self):
        """Starts it, tells how it is until it has ended, and takes the pod away where it is deleted."""
        try:
            if self.start():
                code = self.running.wait()
                self.ended.set()
                code = 128 - code if code < 0 else code
                self.report_end(code, "Completed" if code == 0 else "Error")
            else:
                self.report_end(137, "ContainerStatusUnknown")
        finally:
            self.ended.set()
            # A deletion that is heard of from here on finds no process, and takes the pod away itself.
            self.node.forget(self)
        if self.ending.is_set():
            self.take_away()

    def start(self):
        """Whether it runs. A pod that cannot be started says why, and waits until it can or is deleted."""
        told = None
        self.folder.mkdir(parents=True, exist_ok=True)
        while not self.ending.is_set():
            try:
                words, environment = self.command()
                break
            except Unrunnable as unrunnable:
                if told != (unrunnable.reason, str(unrunnable)):
                    told = (unrunnable.reason, str(unrunnable))
                    said(f"{self}: {told[0]}: {told[1]}")
                    self.report("Pending", {"waiting": {"reason": told[0], "message": told[1]}})
                self.ending.wait(RETRY_SECONDS)
        else:
            return False
        with self.lock, open(self.log, "wb") as log:
            if self.ending.is_set():
                return False
            # It does not outlive this node, however that ends.
            guard = ["setpriv", "--pdeathsig", "KILL", "--"]
            self.running = subprocess.Popen(
                guard + words, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.folder / "pid").write_text(f"{self.running.pid}\n")
        said(f"{self}: process {self.running.pid}")
        self.started_at = now()
        self.report("Running", {"running": {"startedAt": self.started_at}})
        return True

    def end(self, grace):
        """Asks it to end, and sees to it that it has ended after that many seconds."""
        with self.lock:
            if self.ending.is_set() and grace > 0:
                return
            self.ending.set()
        if self.running is None:
            return

        def insist():
            if grace > 0:
                said(f"{self}: SIGTERM, {grace} s of grace")
                self.signal(signal.SIGTERM)
            if not self.ended.wait(grace):
                said(f"{self}: SIGKILL")
                self.signal(signal.SIGKILL)

        threading.Thread(target=insist, daemon=True).start()

    def signal(self, number):
        try:
            os.killpg(self.running.pid, number)
        except ProcessLookupError:
            pass

    def report_end(self, code, reason):
        said(f"{self}: ended with {code}, {reason}")
        ended = {"exitCode": code, "reason": reason, "startedAt": self.started_at, "finishedAt": now()}
        self.report("Succeeded" if code == 0 else "Failed", {"terminated": ended})

    def take_away(self):
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        try:
            self.api.ask("DELETE", path_of(self.pod), {"kind": "DeleteOptions", "apiVersion": "v1", **options})
        except Refused as refused:
            if refused.status not in GONE:
                raise

    def report(self, phase, state):
        """Tells the API server how the pod is, beside the conditions that others have set."""
        container = self.pod["spec"]["containers"][0]
        is_running = "running" in state
        for attempt in range(10):
            try:
                current = self.api.get(path_of(self.pod))
                if current["metadata"]["uid"] != self.uid:
                    return
                own = {
                    "PodScheduled": True,
                    "Initialized": True,
                    "PodReadyToStartContainers": is_running,
                    "ContainersReady": is_running,
                    "Ready": is_running,
                }
                conditions = [of for of in current["status"].get("conditions") or [] if of["type"] not in own]
                for kind, holds in own.items():
                    conditions.append({"type": kind, "status": str(holds), "lastTransitionTime": now()})
                status = {
                    "phase": phase,
                    "startTime": current["status"].get("startTime") or now(),
                    "hostIP": "127.0.0.1",
                    "podIP": "127.0.0.1",
                    "conditions": conditions,
                    "containerStatuses": [
                        {
                            "name": container["name"],
                            "image": container["image"],
                            "imageID": "",
                            "ready": is_running,
                            "started": is_running,
                            "restartCount": 0,
                            "state": state,
                        }
                    ],
                }
                version = {"resourceVersion": current["metadata"]["resourceVersion"]}
                self.api.ask("PATCH", path_of(self.pod, "/status"), {"metadata": version, "status": status}, MERGE_PATCH)
                return
            except Refused as refused:
                if refused.status == 404:
                    return
                if refused.status != 409 or attempt == 9: # somebody else changed it in between
                    raise


class Node:
    """The node: the pods that are bound to it."""

    def __init__(self, api, name, folder, images):
        self.api, self.name, self.folder, self.images = api, name, folder, images
        self.known = {}
        self.lock = threading.Lock()

    def register(self, port):
        """The node as `kubectl get nodes` shows it. What it says it has is for show: nothing is scheduled by it."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name}}}
        try:
            self.api.ask("POST", "/api/v1/nodes", node)
        except Refused as refused:
            if refused.status != 409:
                raise
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": self.name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "ProcessNode", "message": "runs pods as processes", "lastTransitionTime": now()}],
            "nodeInfo": {key: "" for key in ("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion", "machineID", "operatingSystem", "osImage", "systemUUID")},
        }
        status["nodeInfo"] |= {"kubeletVersion": "process", "kubeProxyVersion": "none", "kernelVersion": os.uname().release, "operatingSystem": "linux"}
        self.api.ask("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": status}, MERGE_PATCH)

    def run(self):
        is_new = True
        while True:
            try:
                for change, pod in self.api.pods():
                    try:
                        if change == "LISTED" and pod["status"].get("phase") == "Running" and is_new:
                            self.bury(pod)
                        self.note(change, pod)
                    except Refused as refused:
                        if refused.status not in GONE:
                            said(f"{pod['metadata']['name']}: {refused}")
                    is_new = is_new and change == "LISTED"
            except (OSError, http.client.HTTPException, ValueError, Refused) as error:
                said(f"the API server: {error}")
                time.sleep(RETRY_SECONDS)

    def note(self, change, pod):
        meta, spec = pod["metadata"], pod["spec"]
        with self.lock:
            process = self.known.get(meta["uid"])
        if change == "DELETED":
            if process:
                process.end(0)
        elif not spec.get("nodeName"):
            if "deletionTimestamp" not in meta and not spec.get("schedulingGates"):
                self.bind(pod)
        elif spec["nodeName"] != self.name:
            return
        elif "deletionTimestamp" in meta:
            grace = meta.get("deletionGracePeriodSeconds", 30)
            if process:
                process.end(grace)
            elif grace > 0:
                Process(self, pod).take_away()
        elif process is None:
            self.take_up(pod)

    def bind(self, pod):
        target = {"apiVersion": "v1", "kind": "Node", "name": self.name}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}, "target": target}
        self.api.ask("POST", path_of(pod, "/binding"), binding)

    def take_up(self, pod):
        if pod["status"].get("phase") == "Pending":
            process = Process(self, pod)
            with self.lock:
                self.known[process.uid] = process
            threading.Thread(target=process.live, daemon=True).start()

    def bury(self, pod):
        """Tells the end of a pod that ran under this node before, and ended with it."""
        if pod["spec"].get("nodeName") == self.name:
            Process(self, pod).report_end(137, "ContainerStatusUnknown")

    def forget(self, process):
        with self.lock:
            self.known.pop(process.uid, None)

    def end_all(self):
        with self.lock:
            processes = list(self.known.values())
        for process in processes:
            if process.running is not None:
                process.signal(signal.SIGKILL)


class Logs(http.server.BaseHTTPRequestHandler):
    """What `kubectl logs` asks a kubelet for, by way of the API server."""

    node = None

    def do_GET(self):
        path, _, query = self.path.partition("?")
        match = re.fullmatch(r"/containerLogs/([a-z0-9.-]+)/([a-z0-9.-]+)/[a-z0-9-]+", path)
        log = match and self.node.folder / "pods" / match[1] / match[2] / "log"
        if not log or not log.exists():
            self.send_error(404, "no such log")
            return
        asked = urllib.parse.parse_qs(query)
        lines = int(asked["tailLines"][0]) if "tailLines" in asked else None
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        with self.node.lock:
            process = next((one for one in self.node.known.values() if one.log == log), None)
        with open(log, "rb") as file:
            text = file.read()
            self.wfile.write(b"".join(text.splitlines(keepends=True)[-lines:] if lines else ([] if lines == 0 else [text])))
            while asked.get("follow") == ["true"]:
                is_over = process is None or process.ended.wait(0.2)
                self.wfile.write(file.read())
                self.wfile.flush()
                if is_over:
                    return

    def log_message(self, *_):
        pass


def serve_logs(node, certificate, key):
    """On a free port, which it returns."""
    Logs.node = node
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Logs)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True, help="how the API server is reached, as JSON")
    parser.add_argument("--dir", required=True, type=pathlib.Path, help="for the pods' files")
    parser.add_argument("--image", action="append", default=[], metavar="NAME=PROGRAM", help="which program stands for an image")
    parser.add_argument("--certificate", required=True, help="for the server of logs, with --key")
    parser.add_argument("--key", required=True)
    parser.add_argument("--name", default="processes", help="the node's")
    options = parser.parse_args()
    images = dict(image.split("=", 1) for image in options.image)
    if not shutil.which("setpriv"):
        sys.exit("setpriv is not installed: apt-get install util-linux")
    node = Node(Api(options.kubeconfig), options.name, options.dir.resolve(), images)

    def end(*_):
        node.end_all()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    node.register(serve_logs(node, options.certificate, options.key))
    said(f"node {options.name} takes pods")
    node.run()


if __name__ == "__main__":
    main()
