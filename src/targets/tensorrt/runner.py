"""Runs engines and measures them. A part of the child process; child.py and cuda.py stand before it.

Tensors go in and come out as raw bytes in files; where each one stands, and what it is, is in the request and in the
events.
"""

import array

# --- types

# Names of NumPy's array module for types that TensorRT before 10 narrows at an engine's ends.
NARROWED = {("i64", "i32"): ("q", "i"), ("f64", "f32"): ("d", "f")}


def bits_of(dtype):
    if dtype == "bool":
        return 8
    return int("".join(c for c in dtype.partition("e")[0] if c.isdigit()))


def size_of(dtype, shape):
    count = 1
    for size in shape:
        count *= size
    return (count * bits_of(dtype) + 7) // 8


def recast(data, given, wanted, name):
    """The bytes of a tensor in the type of the engine's end, or back in the model's."""
    if given == wanted:
        return data
    codes = NARROWED.get((given, wanted)) or NARROWED.get((wanted, given), ())[::-1]
    if not codes:
        raise Refused("binding", f"{name} is {given}, the engine has {wanted}")
    try:
        return array.array(codes[1], array.array(codes[0], bytes(data))).tobytes()
    except OverflowError:
        raise Refused("binding", f"{name} holds integers that do not fit the engine's {wanted}") from None


# --- the engine


def require_version(trt, wanted):
    if trt.__version__ != wanted:
        raise Refused("version", f"the engine is of {wanted}, {sys.executable} has {trt.__version__}")


def require_gpu(cuda, capabilities):
    found = cuda.capability()
    if capabilities and found not in capabilities:
        what = f"the engine is built for compute capability {', '.join(capabilities)}"
        raise Refused("architecture", f"{what}; this GPU, {cuda.name()}, has {found}")


class Memory:
    """A piece of the GPU's memory, and one of the host's to copy from or to, that only grow."""

    def __init__(self, cuda):
        self.cuda, self.address, self.room = cuda, 0, 0
        self.host = None

    def reserve(self, size):
        size = max(size, 1)  # a tensor without elements has an address too
        if size > self.room:
            if self.room:
                self.cuda.release(self.address)
            self.address, self.room = self.cuda.allocate(size), size
        return self.address

    def host_memory(self, size):
        size = max(size, 1)
        if self.host is None or len(self.host) < size:
            if self.host is not None:
                self.cuda.unpin(self.host)
            self.host = self.cuda.pinned(size)
        return self.host


def make_allocator(trt, memory):
    """Takes outputs whose sizes only the run knows. The base class is the module's, so the class is made here."""

    class Allocator(trt.IOutputAllocator):
        def __init__(self):
            trt.IOutputAllocator.__init__(self)
            self.shape = None
            self.refusal = None

        def reallocate_output(self, tensor_name, pointer, size, alignment):
            try:
                return memory.reserve(size)
            except Refused as refusal:  # TensorRT's code stands between here and whoever could take it
                self.refusal = refusal
                return 0

        def reallocate_output_async(self, tensor_name, pointer, size, alignment, stream):
            return self.reallocate_output(tensor_name, pointer, size, alignment)

        def notify_shape(self, tensor_name, shape):
            self.shape = list(shape)

    return Allocator()


class Engine:
    """One engine, loaded, with what its inputs and outputs are."""

    def __init__(self, trt, cuda, logger, about):
        self.trt, self.cuda = trt, cuda
        before = cuda.free_bytes()
        begin = time.monotonic()
        with open(about["engine"], "rb") as file:
            data = file.read()
        self.runtime = trt.Runtime(logger)
        self.engine = self.runtime.deserialize_cuda_engine(data)
        if self.engine is None:
            raise Refused("engine", "TensorRT does not take the engine")
        self.context = self.engine.create_execution_context()
        if self.context is None:
            raise Refused("gpu_memory", "TensorRT makes no context to run the engine in")
        self.load_ms = (time.monotonic() - begin) * 1e3
        self.gpu_bytes = max(0, before - cuda.free_bytes())
        self.types = about["types"]  # the model's, by the names of inputs and outputs
        self.profile, self.kept, self.allocators = 0, {}, {}
        names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
        is_input = {name: self.engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        self.inputs = [name for name in names if is_input[name]]
        self.outputs = [name for name in names if not is_input[name]]
        self.on_host = {name for name in names if self.engine.get_tensor_location(name) == trt.TensorLocation.HOST}
        unknown = [name for name in names if name not in self.types]
        missing = [name for name in about.get("outputs", ()) if name not in self.outputs]
        if unknown or missing:
            raise Refused("binding", f"its description does not say what it has: {', '.join(unknown + missing)}")

    def dtype(self, name):
        member = self.engine.get_tensor_dtype(name).name
        return DTYPES.get(member, member.lower())

    def memory(self, name):
        if name not in self.kept:
            self.kept[name] = Memory(self.cuda)
        return self.kept[name]

    def must(self, done, what):
        if not done:
            raise Refused("run", what)

    def prepare(self, profile, tensors, raw):
        """Puts the inputs where the engine finds them, and makes room for the outputs."""
        if profile != self.profile:
            done = self.context.set_optimization_profile_async(profile, self.cuda.stream.value or 0)
            self.must(done, f"it does not take profile {profile}")
            self.cuda.wait()
            self.profile = profile
        self.sizes = {}
        for tensor in tensors:
            name, shape = tensor["name"], tensor["shape"]
            if name not in self.inputs:  # no layer takes it, and TensorRT has dropped it
                continue
            data = raw[tensor["offset"] : tensor["offset"] + tensor["bytes"]]
            data = recast(data, tensor["dtype"], self.dtype(name), f"input {name}")
            memory, size = self.memory(name), len(data)
            host = memory.host_memory(size)
            ctypes.memmove(host, data, size)
            self.sizes[name] = size
            self.must(self.context.set_input_shape(name, tuple(shape)), f"it does not take shape {shape} of input {name}")
            address = ctypes.addressof(host) if name in self.on_host else memory.reserve(size)
            self.must(self.context.set_tensor_address(name, address), f"it does not take input {name}")
        self.allocators = {}
        for name in self.outputs:
            shape = list(self.context.get_tensor_shape(name))
            if any(size < 0 for size in shape):
                self.allocators[name] = make_allocator(self.trt, self.memory(name))
                done = self.context.set_output_allocator(name, self.allocators[name])
            else:
                size = size_of(self.dtype(name), shape)
                memory = self.memory(name)
                host = memory.host_memory(size)
                address = ctypes.addressof(host) if name in self.on_host else memory.reserve(size)
                done = self.context.set_tensor_address(name, address)
            self.must(done, f"it takes no memory for output {name}")

    def copy_in(self):
        for name in self.inputs:
            if name not in self.on_host:
                memory = self.memory(name)
                self.cuda.to_device(memory.address, memory.host, self.sizes[name])

    def enqueue(self):
        done = self.context.execute_async_v3(self.cuda.stream.value or 0)
        for allocator in self.allocators.values():
            if allocator.refusal is not None:
                raise allocator.refusal
        self.must(done, "TensorRT does not run the engine")

    def shape(self, name):
        if name in self.allocators:
            found = self.allocators[name].shape
            self.must(found is not None, f"it does not say the shape of output {name}")
            return found
        return list(self.context.get_tensor_shape(name))

    def copy_out(self):
        for name in self.outputs:
            if name not in self.on_host:
                size, memory = size_of(self.dtype(name), self.shape(name)), self.memory(name)
                self.cuda.to_host(memory.host_memory(size), memory.address, size)

    def infer(self):
        """The whole of an inference; the outputs are on the host when it returns. Milliseconds."""
        begin = time.perf_counter()
        self.copy_in()
        self.enqueue()
        if self.allocators:
            self.cuda.wait()  # only now are the sizes known
        self.copy_out()
        self.cuda.wait()
        return (time.perf_counter() - begin) * 1e3

    def write_outputs(self, file):
        out = []
        for name in self.outputs:
            shape, found, wanted = self.shape(name), self.dtype(name), self.types[name]
            data = memoryview(self.memory(name).host)[: size_of(found, shape)]
            data = recast(data, found, wanted, f"output {name}")
            file.write(bytes(-file.tell() % 64))
            out.append({"name": name, "dtype": wanted, "shape": shape, "offset": file.tell(), "bytes": len(data)})
            file.write(data)
        return out


def open_engines(trt, request):
    require_version(trt, request["version"])
    cuda = Cuda()
    emit("gpu", name=cuda.name(), capability=cuda.capability())
    logger = make_logger(trt, request.get("verbose", False))
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(logger, "")
    engines = []
    for about in request["engines"]:
        require_gpu(cuda, about["compute_capabilities"])
        engines.append(Engine(trt, cuda, logger, about))
        emit("loaded", ms=engines[-1].load_ms, gpu_bytes=engines[-1].gpu_bytes)
    with open(request["inputs"], "rb") as file:
        raw = file.read()
    return cuda, engines, raw


# --- the commands


def run(trt, request):
    """One engine at every set of inputs, one after the other."""
    _, (engine,), raw = open_engines(trt, request)
    sets = request["sets"]
    try:
        with open(request["outputs"], "wb") as file:
            file.write(bytes(64))  # a file without a byte cannot be mapped
            for number, inputs in enumerate(sets):
                engine.prepare(inputs["profile"], inputs["tensors"], raw)
                ms = engine.infer()
                emit("outputs", ms=ms, tensors=engine.write_outputs(file))
                emit("progress", phase="running the engine", share=(number + 1) / len(sets))
    except OSError as error:
        raise Refused("write", f"{request['outputs']}: {error.strerror}") from None


class Timed:
    """An engine under measurement."""

    def __init__(self, trt, engine, use_graph):
        self.engine, self.cuda = engine, engine.cuda
        self.marks = [self.cuda.event() for _ in range(4)]  # before and after the copies in, the engine, the copies out
        self.start, self.latency, self.gpu, self.enqueue, self.copies_in, self.copies_out = [], [], [], [], [], []
        self.first_ms = engine.infer()
        if use_graph and engine.allocators:
            raise Refused("graph", "the sizes of its outputs are only known when it has run")
        self.graph = self.cuda.capture(engine.enqueue) if use_graph else None

    def infer(self, keep):
        engine, cuda = self.engine, self.cuda
        start = time.perf_counter()
        cuda.record(self.marks[0])
        engine.copy_in()
        cuda.record(self.marks[1])
        before = time.perf_counter()
        if self.graph is not None:
            cuda.launch(self.graph)
        else:
            engine.enqueue()
        after = time.perf_counter()
        cuda.record(self.marks[2])
        if engine.allocators:
            cuda.wait()
        engine.copy_out()
        cuda.record(self.marks[3])
        cuda.wait()
        done = time.perf_counter()
        if keep:
            self.start.append(start * 1e3)
            self.latency.append((done - start) * 1e3)
            self.enqueue.append((after - before) * 1e3)
            for times, first in ((self.copies_in, 0), (self.gpu, 1), (self.copies_out, 2)):
                times.append(cuda.elapsed_ms(self.marks[first], self.marks[first + 1]))


def profile_layers(trt, engine, runs):
    """The mean time of every layer; TensorRT waits between layers, so that their sum is more than the engine takes."""

    class Profile(trt.IProfiler):
        def __init__(self):
            trt.IProfiler.__init__(self)
            self.times = {}

        def report_layer_time(self, layer_name, ms):
            self.times[layer_name] = self.times.get(layer_name, 0.0) + ms

    profile = Profile()
    engine.context.profiler = profile
    for _ in range(runs):
        engine.infer()
    return [{"name": name, "ms": total / runs} for name, total in profile.times.items()]


PROFILED_RUNS = 10


def bench(trt, request):
    """One engine or several in turns, each turn in the opposite order of the one before."""
    _, engines, raw = open_engines(trt, request)
    timed = []
    for engine, inputs in zip(engines, request["sets"]):
        engine.prepare(inputs["profile"], inputs["tensors"], raw)
        timed.append(Timed(trt, engine, request["cuda_graph"]))
    for one in timed:
        begin = time.monotonic()
        while time.monotonic() - begin < request["warm_up"]:
            one.infer(False)
    begin, told, turn = time.monotonic(), time.monotonic(), 0
    iterations, duration = request["iterations"], request["duration"] * len(timed)
    least = max(1, request["least_iterations"])
    while turn < iterations if iterations else turn < least or time.monotonic() - begin < duration:
        for one in timed if turn % 2 == 0 else timed[::-1]:
            one.infer(True)
        turn += 1
        if time.monotonic() - told > 0.2:
            told = time.monotonic()
            share = turn / iterations if iterations else (told - begin) / max(duration, 1e-9)
            emit("progress", phase="measuring", share=min(1.0, share))
    for one in timed:
        emit("timings", first_ms=one.first_ms, latency_ms=one.latency, gpu_ms=one.gpu, enqueue_ms=one.enqueue,
             start_ms=one.start, copies_in_ms=one.copies_in, copies_out_ms=one.copies_out,
             layers=profile_layers(trt, one.engine, PROFILED_RUNS) if request["layers"] else [])  # fmt: skip


COMMANDS.update(run=run, bench=bench)
