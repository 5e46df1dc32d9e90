#include "rotary.h"

namespace lvm {

Tensor rotary_rates(int64_t r) { return 1.0 / torch::pow(10000.0, torch::arange(0, r, 2, torch::kFloat32) / double(r)); }

Angles AngleTable::at(int64_t first, int64_t count, torch::Device device) {
  const std::lock_guard lock(mutex);
  const auto needed = first + count;
  if (!table.sin.defined() || table.sin.size(0) < needed) {
    const torch::InferenceMode outside(false);
    const auto by = torch::arange(std::max<int64_t>(needed, 128), torch::kFloat32).unsqueeze(1) * rates;
    table = {by.sin().to(device), by.cos().to(device)};
  }
  return {table.sin.narrow(0, first, count), table.cos.narrow(0, first, count)};
}

Tensor rotate(const Tensor& x, const Angles& by, Turn turn) {
  const auto half = by.sin.size(1), e = x.size(-1);
  const auto sin = by.sin.to(x.scalar_type()), cos = by.cos.to(x.scalar_type());
  const auto turned = x.narrow(-1, 0, 2 * half);
  Tensor y;
  if (turn == Turn::pairs) {
    const auto both = turned.unflatten(-1, {half, 2});
    const auto x0 = both.select(-1, 0), x1 = both.select(-1, 1);
    y = torch::stack({x0 * cos - x1 * sin, x1 * cos + x0 * sin}, -1).flatten(-2);
  } else {
    const auto x0 = turned.narrow(-1, 0, half), x1 = turned.narrow(-1, half, half);
    y = torch::cat({x0 * cos - x1 * sin, x1 * cos + x0 * sin}, -1);
  }
  return 2 * half == e ? y : torch::cat({y, x.narrow(-1, 2 * half, e - 2 * half)}, -1);
}

}  // namespace lvm
