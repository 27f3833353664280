"""The GPU by CUDA's driver alone: memory, copies, streams, events and graphs, as far as running an engine takes them.

A part of the child process; child.py stands before it.
"""

import ctypes

CUDA_ERROR_OUT_OF_MEMORY = 2
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76  # of cuDeviceGetAttribute
CAPTURE_THREAD_LOCAL = 1  # what other threads do is not part of a capture


class Cuda:
    """The first GPU, its primary context, and one stream."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise Refused("no_gpu", f"there is no GPU: NVIDIA's driver is not here ({error})") from None
        status = self.library.cuInit(0)
        if status != 0:
            raise Refused("no_gpu", f"there is no GPU: NVIDIA's driver finds none, {self.words(status)}")
        count = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(count))
        if count.value == 0:
            raise Refused("no_gpu", "there is no GPU: NVIDIA's driver finds none")
        self.device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)
        self.stream = self.handle("cuStreamCreate", 0)

    def words(self, status):
        name, text = ctypes.c_char_p(), ctypes.c_char_p()
        self.library.cuGetErrorName(status, ctypes.byref(name))
        self.library.cuGetErrorString(status, ctypes.byref(text))
        return f"{(text.value or b'').decode()} ({(name.value or str(status).encode()).decode()})"

    def call(self, function, *arguments):
        status = getattr(self.library, function)(*arguments)
        if status == CUDA_ERROR_OUT_OF_MEMORY:
            raise Refused("gpu_memory", f"{function}: {self.words(status)}")
        if status != 0:
            raise Refused("cuda", f"{function}: {self.words(status)}")

    def handle(self, function, *arguments):
        """What a function gives that puts a new handle where its first argument points."""
        out = ctypes.c_void_p()
        self.call(function, ctypes.byref(out), *arguments)
        return out

    # --- the device

    def name(self):
        text = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", text, len(text), self.device)
        return text.value.decode()

    def capability(self):
        parts = []
        for attribute in (CAPABILITY_MAJOR, CAPABILITY_MINOR):
            value = ctypes.c_int()
            self.call("cuDeviceGetAttribute", ctypes.byref(value), attribute, self.device)
            parts.append(value.value)
        return "{}.{}".format(*parts)

    def free_bytes(self):
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value

    # --- memory

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def release(self, address):
        self.call("cuMemFree_v2", ctypes.c_uint64(address))

    def pinned(self, size):
        """Memory of the host that the GPU copies from and to without going through another."""
        address = self.handle("cuMemHostAlloc", ctypes.c_size_t(size), 0)
        return (ctypes.c_ubyte * size).from_address(address.value)

    def unpin(self, memory):
        self.call("cuMemFreeHost", ctypes.c_void_p(ctypes.addressof(memory)))

    def to_device(self, address, memory, size):
        source = ctypes.c_void_p(ctypes.addressof(memory))
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), source, ctypes.c_size_t(size), self.stream)

    def to_host(self, memory, address, size):
        target = ctypes.c_void_p(ctypes.addressof(memory))
        self.call("cuMemcpyDtoHAsync_v2", target, ctypes.c_uint64(address), ctypes.c_size_t(size), self.stream)

    # --- time and order

    def wait(self):
        self.call("cuStreamSynchronize", self.stream)

    def event(self):
        return self.handle("cuEventCreate", 0)

    def record(self, event):
        self.call("cuEventRecord", event, self.stream)

    def elapsed_ms(self, begin, end):
        out = ctypes.c_float()
        self.call("cuEventElapsedTime", ctypes.byref(out), begin, end)
        return out.value

    def capture(self, enqueue):
        """What enqueue() puts into the stream, as a graph that can be launched."""
        self.call("cuStreamBeginCapture_v2", self.stream, CAPTURE_THREAD_LOCAL)
        failure = None
        try:
            enqueue()
        except Refused as error:  # the capture has to end all the same
            failure = error
        graph = ctypes.c_void_p()
        status = self.library.cuStreamEndCapture(self.stream, ctypes.byref(graph))
        if failure is not None or status != 0 or not graph.value:
            why = self.words(status) if status != 0 else failure.why if failure else "nothing was captured"
            raise Refused("graph", f"what the engine does cannot be captured: {why}")
        try:
            return self.handle("cuGraphInstantiateWithFlags", graph, ctypes.c_uint64(0))
        except Refused as error:
            raise Refused("graph", error.why) from None

    def launch(self, graph):
        self.call("cuGraphLaunch", graph, self.stream)
