// CUDA's driver as far as Tenon's child process uses it, on the host's own memory: for tests.
//
// FAKE_CUDA_DEVICES, FAKE_CUDA_CAPABILITY ("8.6") and FAKE_CUDA_BYTES say what GPU there is. A captured graph holds no
// work: launching it does nothing, so that a test sees what was captured, and that it was launched, by the file of
// calls that FAKE_CUDA_CALLS names.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kOk = 0, kInvalid = 1, kOutOfMemory = 2, kNoDevice = 100 };

static size_t used;

static size_t setting(const char* name, size_t otherwise) {
  const char* text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}
static size_t total(void) { return setting("FAKE_CUDA_BYTES", (size_t)1 << 34); }

static void note(const char* call) {
  const char* path = getenv("FAKE_CUDA_CALLS");
  FILE* file = path ? fopen(path, "a") : NULL;
  if (file == NULL) return;
  fprintf(file, "%s\n", call);
  fclose(file);
}

int cuInit(unsigned flags) { return flags != 0 ? kInvalid : setting("FAKE_CUDA_DEVICES", 1) ? kOk : kNoDevice; }
int cuDeviceGetCount(int* count) {
  *count = (int)setting("FAKE_CUDA_DEVICES", 1);
  return kOk;
}
int cuDeviceGet(int* device, int index) {
  *device = index;
  return kOk;
}
int cuDeviceGetName(char* name, int size, int device) {
  snprintf(name, (size_t)size, "Fake GPU %d", device);
  return kOk;
}
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  const char* text = getenv("FAKE_CUDA_CAPABILITY");
  int major = 8, minor = 6;
  if (text) sscanf(text, "%d.%d", &major, &minor);
  *value = attribute == 75 ? major : attribute == 76 ? minor : -1;
  return device == 0 ? kOk : kInvalid;
}
int cuGetErrorName(int status, const char** text) {
  *text = status == kNoDevice ? "CUDA_ERROR_NO_DEVICE" : status == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_INVALID_VALUE";
  return kOk;
}
int cuGetErrorString(int status, const char** text) {
  *text = status == kNoDevice ? "no CUDA-capable device is detected" : status == kOutOfMemory ? "out of memory" : "invalid argument";
  return kOk;
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  *context = &used;
  return device == 0 ? kOk : kInvalid;
}
int cuCtxSetCurrent(void* context) { return context == &used ? kOk : kInvalid; }
int cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
  *total_bytes = total();
  *free_bytes = *total_bytes - used;
  return kOk;
}

// The size of a piece stands before it.
int cuMemAlloc_v2(uint64_t* address, size_t size) {
  if (size == 0) return kInvalid;
  if (used + size > total()) return kOutOfMemory;
  size_t* piece = aligned_alloc(256, (size + 511) / 256 * 256);
  if (piece == NULL) return kOutOfMemory;
  *piece = size;
  used += size;
  *address = (uint64_t)(uintptr_t)piece + 256;
  return kOk;
}
int cuMemFree_v2(uint64_t address) {
  size_t* piece = (size_t*)(uintptr_t)(address - 256);
  used -= *piece;
  free(piece);
  return kOk;
}
int cuMemHostAlloc(void** address, size_t size, unsigned flags) {
  *address = flags == 0 ? malloc(size) : NULL;
  return *address ? kOk : kOutOfMemory;
}
int cuMemFreeHost(void* address) {
  free(address);
  return kOk;
}
static int copy(void* to, const void* from, size_t size) {
  memcpy(to, from, size);
  return kOk;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t size, void* stream) {
  return stream ? copy((void*)(uintptr_t)to, from, size) : kInvalid;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t size, void* stream) {
  return stream ? copy(to, (const void*)(uintptr_t)from, size) : kInvalid;
}
int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t size) { return copy((void*)(uintptr_t)to, from, size); }
int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t size) { return copy(to, (const void*)(uintptr_t)from, size); }

static int stream;
int cuStreamCreate(void** out, unsigned flags) {
  *out = &stream;
  return flags == 0 ? kOk : kInvalid;
}
int cuStreamSynchronize(void* which) { return which == &stream ? kOk : kInvalid; }
int cuEventCreate(void** out, unsigned flags) {
  *out = malloc(sizeof(struct timespec));
  return flags == 0 ? kOk : kInvalid;
}
int cuEventRecord(void* event, void* which) {
  clock_gettime(CLOCK_MONOTONIC, event);
  return which == &stream ? kOk : kInvalid;
}
int cuEventElapsedTime(float* ms, void* begin, void* end) {
  const struct timespec *a = begin, *b = end;
  *ms = (float)((double)(b->tv_sec - a->tv_sec) * 1e3 + (double)(b->tv_nsec - a->tv_nsec) / 1e6);
  return kOk;
}

static int capturing, graph;
int cuStreamBeginCapture_v2(void* which, int mode) {
  note("begin capture");
  capturing = 1;
  return which == &stream && mode == 1 ? kOk : kInvalid;
}
int cuStreamEndCapture(void* which, void** out) {
  note("end capture");
  if (!capturing || which != &stream) return kInvalid;
  capturing = 0;
  *out = &graph;
  return kOk;
}
int cuGraphInstantiateWithFlags(void** out, void* from, unsigned long long flags) {
  *out = &graph;
  return from == &graph && flags == 0 ? kOk : kInvalid;
}
int cuGraphLaunch(void* which, void* on) {
  note("launch");
  return which == &graph && on == &stream ? kOk : kInvalid;
}
