// at::cuda::CUDAGraph, called by the names that libtorch_cuda exports.
//
// The addon is built without CUDA headers and links only to libtorch_cpu, so that one build serves both. The device-neutral
// at::accelerator::Graph would need neither, but libtorch registers no CUDA graph for it (2.13, 2.15).

#include "device-graph.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#ifdef __linux__
#include <dlfcn.h>
#endif

namespace lvm {
namespace {

#ifdef __linux__
using Pool = std::pair<unsigned long long, unsigned long long>;  // MempoolId_t
constexpr int thread_local_mode = 1;                             // cudaStreamCaptureModeThreadLocal: other threads go on

struct CudaGraphFunctions {
  void (*construct)(void*, bool);
  void (*destroy)(void*);
  void (*capture_begin)(void*, Pool, int);
  void (*capture_end)(void*);
  void (*replay)(void*);

  static std::optional<CudaGraphFunctions> found() {
    CudaGraphFunctions f;
    const auto find = [](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(RTLD_DEFAULT, name));
      return function != nullptr;
    };
    const auto all = find(f.construct, "_ZN2at4cuda9CUDAGraphC1Eb") && find(f.destroy, "_ZN2at4cuda9CUDAGraphD1Ev") &&
                     find(f.capture_begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode") &&
                     find(f.capture_end, "_ZN2at4cuda9CUDAGraph11capture_endEv") &&
                     find(f.replay, "_ZN2at4cuda9CUDAGraph6replayEv");
    return all ? std::optional(f) : std::nullopt;
  }
};

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(const CudaGraphFunctions& functions) : call(functions) { call.construct(graph, false); }
  ~CudaGraph() override { call.destroy(graph); }

  void record(const std::function<void()>& work) override {
    call.capture_begin(graph, {0, 0}, thread_local_mode);
    try {
      work();
    } catch (...) {
      try {
        call.capture_end(graph);  // ends the capture of the stream; the error of `work` is the cause
      } catch (const std::exception&) {
      }
      throw;
    }
    call.capture_end(graph);
  }
  void replay() override { call.replay(graph); }

 private:
  const CudaGraphFunctions call;
  alignas(64) unsigned char graph[16384];  // larger than the object, which takes at most 448 bytes in libtorch 2.11 to 2.15
};
#endif

class Repeated final : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override { recorded = work; }
  void replay() override { recorded(); }

 private:
  std::function<void()> recorded;
};

}  // namespace

std::unique_ptr<DeviceGraph> device_graph(torch::Device device) {
  if (!device.is_cuda()) return std::make_unique<Repeated>();
#ifdef __linux__
  if (static const auto functions = CudaGraphFunctions::found(); functions) return std::make_unique<CudaGraph>(*functions);
#endif
  return nullptr;
}

OwnStream::OwnStream(torch::Device device) {
  if (!device.is_cuda()) return;
  at::accelerator::synchronizeDevice(device.index());
  // The same for every run on this thread, because memory belongs to streams.
  thread_local std::optional<c10::Stream> own;
  if (!own || own->device() != device) own = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  guard.emplace(*own);
}

}  // namespace lvm
