#pragma once
#include "../torch.h"

#include <c10/core/StreamGuard.h>
#include <functional>
#include <memory>
#include <optional>

namespace lvm {

// Work on a device that is recorded once and then repeated by one call. On CUDA it is a CUDA graph. Elsewhere the work itself is
// called again, so that the same code runs and is tested without a GPU.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  // Records what `work` queues on the current stream, without running it. Inputs and results have to stay at their addresses.
  virtual void record(const std::function<void()>& work) = 0;
  virtual void replay() = 0;
};

// Null if this libtorch has no graphs for the device.
std::unique_ptr<DeviceGraph> device_graph(torch::Device device);

// Makes a stream other than the default one current, which recording needs. Waits for the work queued before.
class OwnStream {
 public:
  explicit OwnStream(torch::Device device);

 private:
  std::optional<c10::StreamGuard> guard;
};

}  // namespace lvm
