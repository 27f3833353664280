"""Builds and runs engines with TensorRT's own Python module: Tenon's child process.

Reads one request, a JSON object, from standard input and answers with events, a JSON object a line, on standard output.
It needs nothing but that module. TensorRT 8.5 to 11 and TensorRT-RTX differ in few things; each stands in a function
under "what differs between releases". The program is child.py, cuda.py and runner.py, one after the other.
"""

import sys

sys.path[:] = [path for path in sys.path if path]  # the working directory's files are no modules

import json
import os
import time

# TensorRT and CUDA write to standard output themselves; the events have it for their own.
EVENTS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def emit(event, **fields):
    EVENTS.write(json.dumps({"event": event, **fields}) + "\n")
    EVENTS.flush()


class Refused(Exception):
    """What ends a request: a kind that Tenon knows, and a reason for a person."""

    def __init__(self, kind, why):
        super().__init__(why)
        self.kind, self.why = kind, why


# --- what differs between releases


def load(names):
    """The first of the modules that is installed."""
    for name in names:
        try:
            return __import__(name)
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.partition(".")[0] != name:
                raise Refused("broken_module", f"{name} does not load: {error}") from None
        except Exception as error:  # noqa: BLE001  a library that it is made of is missing
            raise Refused("broken_module", f"{name} does not load: {error}") from None
    raise Refused("missing_module", f"{sys.executable} has no module {' and no module '.join(names)}")


def version_of(trt):
    numbers = [int("".join(c for c in part if c.isdigit()) or 0) for part in trt.__version__.split(".")[:3]]
    return tuple(numbers + [0] * (3 - len(numbers)))


def always_typed(trt):
    """TensorRT 11 and TensorRT-RTX know no other networks."""
    return "rtx" in trt.__name__ or version_of(trt)[0] >= 11


def can_be_typed(trt):
    return always_typed(trt) or (
        version_of(trt)[0] >= 10 and "STRONGLY_TYPED" in trt.NetworkDefinitionCreationFlag.__members__
    )


def network_flags(trt):
    """8 and 9 ask for an explicit batch, which 10 has always and RTX and 11 no longer name; types are the model's own
    where STRONGLY_TYPED says so, from 10 on."""
    members, flags = trt.NetworkDefinitionCreationFlag.__members__, 0
    if version_of(trt)[0] < 10 and not always_typed(trt):
        flags |= 1 << int(members["EXPLICIT_BATCH"])
    if can_be_typed(trt) and "STRONGLY_TYPED" in members:
        flags |= 1 << int(members["STRONGLY_TYPED"])
    return flags


def parse_error(parser, index):
    """Older parsers know the index of the node at most, newer ones its name and operator."""
    error = parser.get_error(index)
    found = {"text": error.desc(), "index": error.node(), "code": int(error.code())}
    for field, method in (("function", "func"), ("node", "node_name"), ("operator", "node_operator")):
        if hasattr(error, method):
            found[field] = getattr(error, method)()
    return found


def set_flag(trt, config, name, value, wanted=True):
    """Sets a flag of the builder; one that the release lacks fails where it is wanted."""
    flag = trt.BuilderFlag.__members__.get(name)
    if flag is None:
        if value and wanted:
            raise Refused("flag", f"TensorRT {trt.__version__} has no builder flag {name}")
    elif value:
        config.set_flag(flag)
    else:
        config.clear_flag(flag)


def watch_progress(trt, config):
    """From 10 on the builder tells how far it is."""
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):
        def __init__(self):
            trt.IProgressMonitor.__init__(self)
            self.steps = {}  # of the phases that are part of no other

        def phase_start(self, name, parent, steps):
            if parent is None:
                self.steps[name] = steps
                emit("progress", phase=name, share=0.0)

        def step_complete(self, name, step):
            if name in self.steps:
                emit("progress", phase=name, share=min(1.0, (step + 1) / max(1, self.steps[name])))
            return True

        def phase_finish(self, name):
            self.steps.pop(name, None)

    monitor = Monitor()
    config.progress_monitor = monitor
    return monitor


def write_typed_layers(trt, network, types, config):
    """Before 10 there are no typed networks: each layer gets the types that the model says. Boolean layers, shapes,
    constants and what only moves values keep theirs, which TensorRT insists on."""
    set_flag(trt, config, "OBEY_PRECISION_CONSTRAINTS", True)
    half = trt.DataType.HALF
    fixed = {"SHAPE", "CONSTANT", "TRIP_LIMIT", "ITERATOR", "CONDITION", "CONDITIONAL_INPUT", "CONDITIONAL_OUTPUT",
             "LOOP_OUTPUT", "RECURRENCE", "ASSERTION", "PLUGIN", "PLUGIN_V2", "NON_ZERO"}  # fmt: skip
    halves, left = False, []
    for layer in layers_of(network):
        outputs = [layer.get_output(i) for i in range(layer.num_outputs)]
        wanted = [types.get(tensor.name) for tensor in outputs]
        if layer.type.name in fixed or any(t.is_shape_tensor or t.dtype == trt.DataType.BOOL for t in outputs):
            continue
        floats = [name for name in wanted if name in ("f32", "f16")]
        if not floats:
            left += [tensor.name for tensor in outputs if tensor.dtype in (trt.DataType.FLOAT, half)]
            continue
        layer.precision = half if floats[0] == "f16" else trt.DataType.FLOAT
        halves |= floats[0] == "f16"
        for index, name in enumerate(wanted):
            if name in ("f32", "f16"):
                layer.set_output_type(index, half if name == "f16" else trt.DataType.FLOAT)
    if halves:
        set_flag(trt, config, "FP16", True)
    return left


def compute_capabilities(trt, config, wanted):
    """TensorRT-RTX builds for GPUs that are not here; the others build for the GPU at hand."""
    if not wanted:
        return
    if not hasattr(config, "set_compute_capability"):
        raise Refused("flag", f"TensorRT {trt.__version__} builds for the GPU that it runs on, and for no other")
    members = trt.ComputeCapability.__members__
    for text in wanted:
        if "SM" + text.replace(".", "") not in members:
            known = ", ".join(f"{name[2:-1]}.{name[-1]}" for name in members if name.startswith("SM"))
            raise Refused("capability", f"it builds for compute capabilities {known}, not for {text}")
    config.num_compute_capabilities = len(wanted)
    for index, text in enumerate(wanted):
        config.set_compute_capability(members["SM" + text.replace(".", "")], index)


# --- the network as it was parsed

DTYPES = {"FLOAT": "f32", "HALF": "f16", "BF16": "bf16", "INT8": "i8", "UINT8": "u8", "INT32": "i32", "INT64": "i64",
          "BOOL": "bool", "FP8": "f8e4m3fn", "INT4": "i4", "FP4": "f4e2m1"}  # fmt: skip


def layers_of(network):
    return (network.get_layer(i) for i in range(network.num_layers))


def described(tensor):
    try:
        shape = list(tensor.shape)
    except ValueError:  # a rank that is not known
        shape = None
    return {"name": tensor.name, "dtype": DTYPES.get(tensor.dtype.name, tensor.dtype.name.lower()), "shape": shape}


def want_no_values(network):
    """Profiles hold sizes of inputs, not what is in them."""
    inputs = (network.get_input(i) for i in range(network.num_inputs))
    deciding = [tensor.name for tensor in inputs if tensor.is_shape_tensor]
    if deciding:
        names = ", ".join(deciding)
        raise Refused("values", f"sizes are computed from what is in {names}, and it wants to know sizes from those of inputs")


def describe(network):
    emit(
        "network",
        inputs=[described(network.get_input(i)) for i in range(network.num_inputs)],
        outputs=[described(network.get_output(i)) for i in range(network.num_outputs)],
        layers=[
            {
                "name": layer.name,
                "type": layer.type.name,
                "outputs": [described(layer.get_output(i)) for i in range(layer.num_outputs) if layer.get_output(i)],
            }
            for layer in layers_of(network)
        ],
    )


# --- the commands


def make_logger(trt, verbose):
    class Log(trt.ILogger):
        def __init__(self):
            trt.ILogger.__init__(self)

        def log(self, severity, text):
            if severity <= (trt.ILogger.Severity.VERBOSE if verbose else trt.ILogger.Severity.WARNING):
                emit("log", severity=severity.name.lower(), text=text)

    return Log()


def add_profiles(builder, config, profiles):
    for number, shapes in enumerate(profiles):
        profile = builder.create_optimization_profile()
        for name, sizes in shapes.items():
            if sizes.get("values"):
                profile.set_shape_input(name, *sizes["values"])
            else:
                profile.set_shape(name, tuple(sizes["min"]), tuple(sizes["opt"]), tuple(sizes["max"]))
        if config.add_optimization_profile(profile) < 0:
            raise Refused("profile", f"profile {number} does not fit the network")


def configure(trt, config, request):
    set_flag(trt, config, "TF32", request.get("tf32", False))
    for name in request.get("flags", []):
        set_flag(trt, config, name, True)
    for pool, size in request.get("memory_pools", {}).items():
        kind = trt.MemoryPoolType.__members__.get(pool)
        if kind is None:
            raise Refused("flag", f"TensorRT {trt.__version__} has no memory pool {pool}")
        config.set_memory_pool_limit(kind, size)
    for field, what in (
        ("builder_optimization_level", "levels of optimisation"),
        ("max_aux_streams", "auxiliary streams"),
        ("avg_timing_iterations", "numbers of timing iterations"),
    ):
        if field in request:
            if not hasattr(config, field):
                raise Refused("flag", f"TensorRT {trt.__version__} has no {what}")
            setattr(config, field, request[field])
    verbosity = request.get("profiling_verbosity")
    if verbosity:
        config.profiling_verbosity = trt.ProfilingVerbosity.__members__[verbosity]
    if "dla_core" in request:
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = request["dla_core"]
        set_flag(trt, config, "GPU_FALLBACK", request.get("gpu_fallback", False))
    compute_capabilities(trt, config, request.get("compute_capabilities", []))


def open_timing_cache(config, path):
    """The cache to write back when the engine is built; None where there is none."""
    if not path:
        return None
    data = b""
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    cache = config.create_timing_cache(data)
    if cache is None or not config.set_timing_cache(cache, False):
        emit("log", severity="warning", text=f"the timing cache {path} does not fit and is not used")
        return None
    return cache


def write_whole(path, data):
    try:
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
    except OSError as error:
        raise Refused("write", f"{path}: {error.strerror}") from None


def parse(trt, network, logger, request):
    parser = trt.OnnxParser(network, logger)
    for flag in request.get("parser_flags", []):
        parser.set_flag(trt.OnnxParserFlag.__members__[flag])
    if parser.parse_from_file(request["model"]):
        return parser
    errors = [parse_error(parser, i) for i in range(parser.num_errors)]
    for error in errors:
        emit("parse_error", **error)
    raise Refused("parse", "the parser refuses the model" if errors else "the parser gives up without a reason")


def build(trt, request):
    logger = make_logger(trt, request.get("verbose", False))
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(logger, "")
    builder = trt.Builder(logger)
    for library in request.get("plugins", []):
        builder.get_plugin_registry().load_library(library)
    network = builder.create_network(network_flags(trt))
    parser = parse(trt, network, logger, request)
    config = builder.create_builder_config()
    configure(trt, config, request)
    if not can_be_typed(trt):
        emit("typed_by_layers", left=write_typed_layers(trt, network, request["tensor_types"], config))
    describe(network)
    want_no_values(network)
    add_profiles(builder, config, request.get("profiles", []))
    cache = open_timing_cache(config, request.get("timing_cache"))
    monitor = watch_progress(trt, config)
    begin = time.monotonic()
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise Refused("build", "the builder gives no engine")
    write_whole(request["engine"], engine)
    if cache is not None:
        write_whole(request["timing_cache"] + ".new", cache.serialize())
        os.replace(request["timing_cache"] + ".new", request["timing_cache"])
    emit("built", bytes=os.path.getsize(request["engine"]), seconds=time.monotonic() - begin)
    del monitor, parser


def capabilities(trt, request):
    """Which operators the parser knows by name."""
    logger = make_logger(trt, False)
    builder = trt.Builder(logger)
    network = builder.create_network(network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    emit("operators", known=[name for name in request["operators"] if parser.supports_operator(name)])


COMMANDS = {"build": build, "capabilities": capabilities, "probe": lambda trt, request: None}


def main():
    try:
        request = json.load(sys.stdin)
        trt = load(request["modules"])
        emit(
            "module",
            name=trt.__name__,
            version=trt.__version__,
            python=sys.version.split()[0],
            typed=can_be_typed(trt),
        )
        COMMANDS[request["command"]](trt, request)
        emit("done")
        return 0
    except Refused as refused:
        emit("refused", kind=refused.kind, why=refused.why)
    except MemoryError:
        emit("refused", kind="memory", why="Python could not get the memory")
    except Exception as error:  # noqa: BLE001  whatever TensorRT's module raises is told, not lost
        import traceback

        at = traceback.extract_tb(error.__traceback__)[-1]
        emit("refused", kind="raised", why=f"{type(error).__name__}: {error} (in {at.name})")
    return 1
