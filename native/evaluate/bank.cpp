#include "bank.h"

#include "../data/mapped-file.h"
#include "../parallel.h"

#include <cmath>

namespace lvm {
namespace {

// 2048² cosines fit the last-level cache and are few enough for the allocator to keep their pages.
constexpr int64_t most_rows = 2048, most_floats = 16 << 20;
// Lengths whose float32 products with a unit vector neither overflow nor lose digits.
constexpr double shortest = 1e-18, longest = 1e18;

Tensor checked(Tensor table) {
  if (table.dim() != 2 || table.size(1) < 1 || table.size(0) > INT32_MAX || !table.is_cpu() || !table.is_contiguous() ||
      (table.scalar_type() != torch::kFloat32 && table.scalar_type() != torch::kFloat16))
    throw Error("BAD_ARGUMENT", "retrieve: expected a float16 or float32 bank of shape [rows, dim]");
  return table;
}

}  // namespace

Bank::Bank(Tensor given)
    : table(checked(std::move(given))),
      rows(table.size(0)),
      dim(table.size(1)),
      wide(table.scalar_type() == torch::kFloat32 ? table.const_data_ptr<float>() : nullptr),
      half(wide ? nullptr : reinterpret_cast<const uint16_t*>(table.const_data_ptr<at::Half>())),
      block_rows(std::clamp<int64_t>(most_floats / dim, 64, most_rows)),
      lengths(size_t(rows)),
      states(size_t((rows + block_rows - 1) / block_rows), State::unread) {}

Bank::Block Bank::block(int64_t number) {
  require_unchanged(table);
  const auto begin = number * block_rows, count = std::min(block_rows, rows - begin);
  const std::lock_guard lock(reading);
  auto& state = states[size_t(number)];
  if (state == State::unread) state = read(begin, count);
  return {begin, count, lengths.data() + begin, state == State::usual};
}

Bank::State Bank::read(int64_t begin, int64_t count) {
  parallel(count, 64, [&](int64_t from, int64_t to) {
    for (auto row = begin + from; row < begin + to; ++row) lengths[size_t(row)] = measure(row);
  });
  auto state = State::usual;
  for (auto row = begin; row < begin + count; ++row) {
    const auto length = lengths[size_t(row)];
    if (!std::isfinite(length))
      throw Error("DATA_NOT_FINITE", "retrieve: row " + std::to_string(row) + " of the bank holds NaN or Inf");
    if (length != 0 && (length < shortest || length > longest)) state = State::unusual;
  }
  return state;
}

}  // namespace lvm
