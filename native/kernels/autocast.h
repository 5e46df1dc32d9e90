#pragma once
#include <ATen/autocast_mode.h>
#include "../torch.h"

namespace lvm {

// Enables or disables bfloat16 products in its scope; libtorch has no guard for autocast.
class Autocast {
 public:
  Autocast(bool on, torch::DeviceType device)
      : changed(on != at::autocast::is_autocast_enabled(device)), before(!on), device(device) {
    if (!changed) return;
    at::autocast::set_autocast_dtype(device, torch::kBFloat16);
    at::autocast::set_autocast_enabled(device, on);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!changed) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, before);
  }
  Autocast(const Autocast&) = delete;

 private:
  bool changed, before;
  torch::DeviceType device;
};

}  // namespace lvm
