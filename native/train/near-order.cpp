#include "near-order.h"

namespace lvm {
namespace {

// Stretches of neighbours that are read one after the other fill a buffer.
constexpr int64_t stretches = 32;

}  // namespace

torch::Tensor near_order(int64_t items, int64_t buffer, at::Generator& generator) {
  const auto length = std::max<int64_t>(1, buffer / stretches);
  const auto starts = torch::randperm((items + length - 1) / length, generator, torch::kInt64) * length;
  auto order = torch::empty({items}, torch::kInt64);
  int64_t at = 0;
  const auto* start = starts.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < starts.size(0); ++i) {
    const auto end = std::min(items, start[i] + length);
    order.narrow(0, at, end - start[i]).copy_(torch::arange(start[i], end));
    at += end - start[i];
  }
  for (at = 0; at < items; at += buffer) {
    const auto part = order.narrow(0, at, std::min(buffer, items - at));
    part.copy_(part.index_select(0, torch::randperm(part.size(0), generator, torch::kInt64)));
  }
  return order;
}

}  // namespace lvm
