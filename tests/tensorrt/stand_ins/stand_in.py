"""TensorRT's Python module as far as Tenon's child process uses it, in the form of any release: for tests.

It reads the ONNX file with `onnx`, makes a layer of every node, and writes an engine that holds the ONNX file. It runs
one with ONNX Runtime, on memory that the CUDA driver's library allocates and copies, a real one's or the tests' own
(fake_libcuda.c). TENON_STAND_IN_CALLS names a file that every call is appended to, a JSON array a line.
TENON_STAND_IN_FAULT makes a call go wrong: METHOD:crash, METHOD:hang, METHOD:fill (memory), parse_from_file:OPERATOR.
"""

from __future__ import annotations

import ctypes
import enum
import json
import os
import signal
import time

import onnx

from versions import RELEASES

MAGIC = b"stand-in engine\n"
LAYER_TYPES = {"Conv": "CONVOLUTION", "Relu": "ACTIVATION", "Flatten": "SHUFFLE", "Reshape": "SHUFFLE", "Gemm": "MATRIX_MULTIPLY",
               "MatMul": "MATRIX_MULTIPLY", "Shape": "SHAPE", "Constant": "CONSTANT", "NonZero": "NON_ZERO", "Cast": "CAST",
               "Gather": "GATHER", "Softmax": "SOFTMAX", "ReduceMean": "REDUCE"}  # fmt: skip
TYPES = {1: "FLOAT", 2: "UINT8", 3: "INT8", 6: "INT32", 7: "INT64", 9: "BOOL", 10: "HALF", 11: "DOUBLE", 16: "BF16"}
NARROWED = {"INT64": "INT32", "DOUBLE": "FLOAT"}
NUMPY = {"FLOAT": "float32", "UINT8": "uint8", "INT8": "int8", "INT32": "int32", "INT64": "int64", "BOOL": "bool",
         "HALF": "float16", "BF16": "bfloat16"}  # fmt: skip
SIZED_BY_DATA = {"NonZero", "NonMaxSuppression", "Compress"}


def record(*call):
    path = os.environ.get("TENON_STAND_IN_CALLS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(call, default=str) + "\n")


def refused_operator():
    place, _, op = os.environ.get("TENON_STAND_IN_FAULT", ":").partition(":")
    return op if place == "parse_from_file" else None


def fault(method):
    place, _, kind = os.environ.get("TENON_STAND_IN_FAULT", ":").partition(":")
    if place != method:
        return
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "hang":
        time.sleep(600)
    elif kind == "fill":
        kept = []
        while True:
            kept.append(b"x" * (32 << 20))
            time.sleep(0.01)


def named(value):
    if isinstance(value, enum.Enum):
        return value.name
    return value if value is None or isinstance(value, (int, str)) else type(value).__name__


class Recorded:
    """Setting a public attribute is a call, too."""

    def __setattr__(self, name, value):
        if not name.startswith("_"):
            record(f"{type(self).__name__}.{name}=", *([self._name] if hasattr(self, "_name") else []), named(value))
        object.__setattr__(self, name, value)


def quietly(target, **values):
    for name, value in values.items():
        object.__setattr__(target, name, value)


class ILogger:
    Severity = enum.IntEnum("Severity", {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2, "INFO": 3, "VERBOSE": 4})

    def log(self, severity, text):
        raise NotImplementedError


class ITensor(Recorded):
    name = dtype = shape = is_shape_tensor = None

    def __init__(self, name, dtype, shape, is_shape):
        quietly(self, _name=name, name=name, dtype=dtype, shape=shape, is_shape_tensor=is_shape)


class Layer(Recorded):
    name = type = num_outputs = None

    def __init__(self, name, kind, outputs):
        quietly(self, _name=name, name=name, type=kind, num_outputs=len(outputs), _outputs=outputs)

    def get_output(self, index):
        return self._outputs[index]


class TypedLayer(Layer):
    precision = None

    def set_output_type(self, index, dtype):
        record("ILayer.set_output_type", self._name, index, named(dtype))
        quietly(self._outputs[index], dtype=dtype)


class INetworkDefinition:
    def __init__(self):
        self.inputs, self.outputs, self.layers, self.model = [], [], [], None

    num_layers = property(lambda self: len(self.layers))
    num_inputs = property(lambda self: len(self.inputs))
    num_outputs = property(lambda self: len(self.outputs))

    def get_layer(self, index):
        return self.layers[index]

    def get_input(self, index):
        return self.inputs[index]

    def get_output(self, index):
        return self.outputs[index]


class IOptimizationProfile:
    def __init__(self):
        self.shapes = {}

    def set_shape(self, name, low, best, high):
        record("IOptimizationProfile.set_shape", name, low, best, high)
        self.shapes[name] = (low, best, high)

    def set_shape_input(self, name, low, best, high):
        record("IOptimizationProfile.set_shape_input", name, low, best, high)


class TimingCache:
    def __init__(self, data):
        self.data = data

    def serialize(self):
        return self.data + b"timing"


class ConfigOfAll(Recorded):
    profiling_verbosity = default_device_type = DLA_core = None
    avg_timing_iterations = 1

    def __init__(self):
        quietly(self, _profiles=[])

    def set_flag(self, flag):
        record("IBuilderConfig.set_flag", flag.name)

    def clear_flag(self, flag):
        record("IBuilderConfig.clear_flag", flag.name)

    def set_memory_pool_limit(self, pool, size):
        record("IBuilderConfig.set_memory_pool_limit", pool.name, size)

    def add_optimization_profile(self, profile):
        record("IBuilderConfig.add_optimization_profile")
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def create_timing_cache(self, data):
        return TimingCache(data)

    def set_timing_cache(self, cache, ignore_mismatch):
        record("IBuilderConfig.set_timing_cache", ignore_mismatch)
        return True


class IProgressMonitor:
    def __init__(self):
        pass

    def phase_start(self, phase_name, parent_phase, num_steps):
        raise NotImplementedError

    def step_complete(self, phase_name, step):
        raise NotImplementedError

    def phase_finish(self, phase_name):
        raise NotImplementedError


class IProfiler:
    def __init__(self):
        pass

    def report_layer_time(self, layer_name, ms):
        raise NotImplementedError


class ErrorCode(enum.IntEnum):
    UNSUPPORTED_NODE = 6


class ErrorOfAll:
    def __init__(self, node, index):
        self._node, self._index = node, index

    def code(self):
        return ErrorCode.UNSUPPORTED_NODE

    def desc(self):
        return "false"

    def node(self):
        return self._index

    def _func(self):
        return f"check{self._node.op_type}"

    def _node_name(self):
        return self._node.name

    def _node_operator(self):
        return self._node.op_type


# --- the network of an ONNX file


def element_types(model, values):
    """The element type of every tensor by its name. Where the operator's schema says that an output has its first
    input's type, it has: onnx infers none, or a wider one, for operators that it knows by their decomposition."""
    opset = model.opset_import[0].version
    types = {w.name: w.data_type for w in model.graph.initializer}
    types |= {name: value.type.tensor_type.elem_type for name, value in values.items()}
    for node in model.graph.node:
        if not onnx.defs.has(node.op_type) or not node.input or node.input[0] not in types:
            continue
        schema = onnx.defs.get_schema(node.op_type, opset)
        if schema.outputs[0].type_str == schema.inputs[0].type_str and "(" not in schema.outputs[0].type_str:
            types[node.output[0]] = types[node.input[0]]
    return types


def load_network(network, data, enums, release, layer_class):
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(data))
    graph = model.graph
    values = {value.name: value for value in (*graph.input, *graph.output, *graph.value_info)}
    types = element_types(model, values)
    constants = {value.name for value in graph.initializer}
    shapes = set()  # tensors that hold sizes

    def tensor(name):
        value = values.get(name)
        kind = TYPES.get(types.get(name), "FLOAT")
        if release.narrow:
            kind = NARROWED.get(kind, kind)
        dims = value.type.tensor_type.shape.dim if value is not None else ()
        shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in dims)
        return ITensor(name, enums["DataType"][kind], shape, name in shapes)

    network.model = data
    network.inputs = [tensor(value.name) for value in graph.input if value.name not in constants]
    for node in graph.node:
        if node.op_type == "Shape" or shapes.intersection(node.input) and node.op_type in ("Gather", "Concat", "Mul"):
            shapes.update(node.output)
        kind = enums["LayerType"][LAYER_TYPES.get(node.op_type, "ELEMENTWISE")]
        network.layers.append(layer_class(node.name, kind, [tensor(name) for name in node.output if name]))
    network.outputs = [tensor(value.name) for value in graph.output]


# --- running


def numpy_type(name):
    import ml_dtypes
    import numpy as np

    return np.dtype(ml_dtypes.bfloat16 if name == "BF16" else NUMPY[name])


def without_bfloat16(data):
    """The model with float32 in the place of bfloat16 at its ends, which ONNX Runtime takes and gives no arrays of."""
    model = onnx.load_from_string(data)
    before, after = [], []
    for values, casts, inward in ((model.graph.input, before, True), (model.graph.output, after, False)):
        for value in values:
            if TYPES.get(value.type.tensor_type.elem_type) != "BF16":
                continue
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
            inner, outer = value.name + "/bf16", value.name
            for node in model.graph.node:
                names = node.input if inward else node.output
                names[:] = [inner if name == outer else name for name in names]
            ends, to = ([outer], [inner]), onnx.TensorProto.BFLOAT16 if inward else onnx.TensorProto.FLOAT
            casts.append(onnx.helper.make_node("Cast", *(ends if inward else ends[::-1]), to=to))
    nodes = [*before, *model.graph.node, *after]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


class Driver:
    """Bytes from and to the GPU by the driver's library that the process has loaded."""

    library = None

    @classmethod
    def call(cls, function, *arguments):
        if cls.library is None:
            cls.library = ctypes.CDLL("libcuda.so.1")
        status = getattr(cls.library, function)(*arguments)
        assert status == 0, f"{function}: {status}"

    @classmethod
    def read(cls, address, size):
        data = ctypes.create_string_buffer(max(size, 1))
        if size:
            cls.call("cuMemcpyDtoH_v2", data, ctypes.c_uint64(address), ctypes.c_size_t(size))
        return data.raw[:size]

    @classmethod
    def write(cls, address, data):
        if data:
            cls.call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), data, ctypes.c_size_t(len(data)))


class IExecutionContext(Recorded):
    profiler = None

    def __init__(self, engine):
        quietly(self, _engine=engine, _shapes={}, _addresses={}, _allocators={}, _profile=0)

    def set_optimization_profile_async(self, index, stream):
        record("IExecutionContext.set_optimization_profile_async", index)
        quietly(self, _profile=index, _shapes={})
        return True

    def set_input_shape(self, name, shape):
        record("IExecutionContext.set_input_shape", name, shape)
        ranges = self._engine.profiles[self._profile] if self._engine.profiles else {}
        if name in ranges:
            low, _, high = ranges[name]
            if any(not a <= size <= b for a, size, b in zip(low, shape, high)):
                self._engine.error(f"IExecutionContext::setInputShape: Error Code 3: API Usage Error (Parameter check "
                                   f"failed, {name} is out of the profile's range. In setInputShape at /a.cpp:1)")  # fmt: skip
                return False
        self._shapes[name] = tuple(shape)
        return True

    def set_tensor_address(self, name, address):
        self._addresses[name] = address
        return True

    def set_output_allocator(self, name, allocator):
        record("IExecutionContext.set_output_allocator", name)
        self._allocators[name] = allocator
        return True

    def get_tensor_shape(self, name):
        engine = self._engine
        if name in self._shapes:
            return self._shapes[name]
        if engine.sized_by_data:
            return tuple(-1 for _ in engine.ends[name].shape)
        import numpy as np

        zeros = {n: np.zeros(self._shapes[n], numpy_type(TYPES[engine.onnx_types[n]])) for n in engine.inputs}
        return engine.compute(zeros)[name].shape

    def execute_async_v3(self, stream_handle):
        import numpy as np

        record("IExecutionContext.execute_async_v3")
        fault("execute_async_v3")
        engine, begin = self._engine, time.perf_counter()
        inputs = {}
        for name in engine.inputs:
            shape, kind = self._shapes[name], numpy_type(engine.ends[name].dtype.name)
            size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            values = np.frombuffer(Driver.read(self._addresses[name], size), kind).reshape(shape)
            inputs[name] = values.astype(numpy_type(TYPES[engine.onnx_types[name]]))
        for name, values in engine.compute(inputs).items():
            values = np.ascontiguousarray(values.astype(numpy_type(engine.ends[name].dtype.name)))
            address = self._addresses.get(name)
            if name in self._allocators:
                method = "reallocate_output_async" if engine.allocates_async else "reallocate_output"
                more = (stream_handle,) if engine.allocates_async else ()
                address = getattr(self._allocators[name], method)(name, address or 0, values.nbytes, 256, *more)
                if not address:
                    return False
                self._allocators[name].notify_shape(name, values.shape)
            Driver.write(address, values.tobytes())
        if self.profiler is not None:
            for layer in engine.layer_names:
                self.profiler.report_layer_time(layer, (time.perf_counter() - begin) * 1e3 / len(engine.layer_names))
        return True


class ICudaEngine:
    def __init__(self, head, data, release, enums, logger):
        network = INetworkDefinition()
        load_network(network, data, enums, release, Layer)
        self.enums, self.logger, self.data = enums, logger, data
        self.allocates_async = not release.allocator
        self.profiles = head["profiles"]
        self.inputs = [tensor.name for tensor in network.inputs]
        self.ends = {tensor.name: tensor for tensor in (*network.inputs, *network.outputs)}
        self.layer_names = [layer.name for layer in network.layers]
        graph = onnx.load_from_string(data).graph
        self.onnx_types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
        self.sized_by_data = any(node.op_type in SIZED_BY_DATA for node in graph.node)
        self.session = None

    num_io_tensors = property(lambda self: len(self.ends))

    def error(self, text):
        self.logger.log(ILogger.Severity.ERROR, text)

    def get_tensor_name(self, index):
        return list(self.ends)[index]

    def get_tensor_mode(self, name):
        return self.enums["TensorIOMode"]["INPUT" if name in self.inputs else "OUTPUT"]

    def get_tensor_location(self, name):
        return self.enums["TensorLocation"]["DEVICE"]

    def get_tensor_dtype(self, name):
        return self.ends[name].dtype

    def create_execution_context(self):
        record("ICudaEngine.create_execution_context")
        return IExecutionContext(self)

    def compute(self, inputs):
        if self.session is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            self.session = onnxruntime.InferenceSession(without_bfloat16(self.data), options, providers=["CPUExecutionProvider"])
        inputs = {name: v.astype("float32") if v.dtype.name == "bfloat16" else v for name, v in inputs.items()}
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, inputs)))


def fill(module, name):
    """Puts a release's names into its module."""
    release = RELEASES[name]
    enums = {
        "NetworkDefinitionCreationFlag": enum.IntEnum("NetworkDefinitionCreationFlag", dict(release.creation_flags)),
        "BuilderFlag": enum.IntEnum("BuilderFlag", release.builder_flags),
        "DataType": enum.IntEnum("DataType", release.data_types),
        "LayerType": enum.IntEnum("LayerType", sorted({*LAYER_TYPES.values(), "ELEMENTWISE"})),
        "TensorIOMode": enum.IntEnum("TensorIOMode", {"NONE": 0, "INPUT": 1, "OUTPUT": 2}),
        "TensorLocation": enum.IntEnum("TensorLocation", {"DEVICE": 0, "HOST": 1}),
        "MemoryPoolType": enum.IntEnum("MemoryPoolType", ["WORKSPACE", "DLA_MANAGED_SRAM"]),
        "ProfilingVerbosity": enum.IntEnum("ProfilingVerbosity", ["LAYER_NAMES_ONLY", "NONE", "DETAILED"]),
    }
    layer_class = type("ILayer", (TypedLayer if release.layer_types else Layer,), {})
    defaults = {"builder_optimization_level": 3, "max_aux_streams": -1, "progress_monitor": None}
    config_class = type("IBuilderConfig", (ConfigOfAll,), {key: defaults[key] for key in release.config})
    methods = {method: getattr(ErrorOfAll, "_" + method) for method in release.parser_error}
    error_class = type("ParserError", (ErrorOfAll,), methods)

    class Builder:
        def __init__(self, logger):
            record("Builder")
            self.logger = logger

        def create_network(self, flags=0):
            record("Builder.create_network", flags)
            return INetworkDefinition()

        def create_builder_config(self):
            return config_class()

        def create_optimization_profile(self):
            return IOptimizationProfile()

        def get_plugin_registry(self):
            return None

        def build_serialized_network(self, network, config):
            record("Builder.build_serialized_network")
            fault("build_serialized_network")
            monitor = getattr(config, "progress_monitor", None)
            if monitor is not None:
                monitor.phase_start("Building", None, 2)
                for step in range(2):
                    monitor.step_complete("Building", step)
                monitor.phase_finish("Building")
            head = {"version": release.version, "profiles": [profile.shapes for profile in config._profiles]}
            return MAGIC + json.dumps(head).encode() + b"\n" + network.model

    class OnnxParser:
        def __init__(self, network, logger):
            record("OnnxParser")
            self.network, self.errors = network, []

        num_errors = property(lambda self: len(self.errors))

        def set_flag(self, flag):
            record("OnnxParser.set_flag", named(flag))

        def supports_operator(self, op):
            return op != refused_operator()

        def parse_from_file(self, path):
            record("OnnxParser.parse_from_file", os.path.basename(path))
            with open(path, "rb") as file:
                data = file.read()
            nodes = onnx.load_from_string(data).graph.node
            self.errors = [error_class(n, i) for i, n in enumerate(nodes) if n.op_type == refused_operator()]
            if not self.errors:
                load_network(self.network, data, enums, release, layer_class)
            return not self.errors

        def get_error(self, index):
            return self.errors[index]

    class Runtime:
        def __init__(self, logger):
            record("Runtime")
            self.logger = logger

        def deserialize_cuda_engine(self, serialized_engine):
            record("Runtime.deserialize_cuda_engine")
            self.logger.log(ILogger.Severity.INFO, f"Loaded engine size: {len(serialized_engine)} bytes")
            fault("deserialize_cuda_engine")
            said = "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion {} failed. In f at /a.cpp:1)"
            if not serialized_engine.startswith(MAGIC):
                self.logger.log(ILogger.Severity.ERROR, said.format("magicTagRead == kMAGIC_TAG"))
                return None
            head, _, data = serialized_engine[len(MAGIC) :].partition(b"\n")
            if json.loads(head)["version"] != release.version:
                self.logger.log(ILogger.Severity.ERROR, said.format("stdVersionRead == kSERIALIZATION_VERSION"))
                return None
            return ICudaEngine(json.loads(head), data, release, enums, self.logger)

    class IOutputAllocator:
        def __init__(self):
            pass

    for method in release.allocator:
        setattr(IOutputAllocator, method, lambda self, *arguments: None)

    def init_libnvinfer_plugins(logger, namespace):
        record("init_libnvinfer_plugins")
        return True

    module.update(
        __version__=release.version, ILogger=ILogger, ITensor=ITensor, ILayer=layer_class, Builder=Builder,
        INetworkDefinition=INetworkDefinition, IBuilderConfig=config_class, IOptimizationProfile=IOptimizationProfile,
        OnnxParser=OnnxParser, ParserError=error_class, Runtime=Runtime, ICudaEngine=ICudaEngine,
        IExecutionContext=IExecutionContext, IOutputAllocator=IOutputAllocator, IProfiler=IProfiler,
        init_libnvinfer_plugins=init_libnvinfer_plugins, **enums,
    )  # fmt: skip
    if release.progress:
        module["IProgressMonitor"] = IProgressMonitor
