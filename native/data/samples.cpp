#include "samples.h"

#include "mapped-file.h"

namespace lvm {
namespace {

void within(const Tensor& rows, int64_t limit, const char* what) {
  if (rows.numel() == 0) return;
  const auto low = rows.min().item<int64_t>(), high = rows.max().item<int64_t>();
  if (low < 0 || high >= limit) {
    throw Error("BAD_ARGUMENT", std::string("samples: expected ") + what + " rows from 0 to " + std::to_string(limit - 1) +
                                  " but received " + std::to_string(low < 0 ? low : high));
  }
}

}  // namespace

Samples::Samples(Tensor vectors_, Tensor targets_, Tensor first_, Tensor target_, int64_t context, Tensor length_)
    : vectors(std::move(vectors_)),
      targets(std::move(targets_)),
      first(std::move(first_)),
      target(std::move(target_)),
      context(context),
      length(std::move(length_)) {
  if (!targets.defined()) targets = vectors;
  if (vectors.dim() != 2 || targets.dim() != 2 || vectors.size(1) != targets.size(1) || !vectors.is_floating_point() ||
      !targets.is_floating_point() || first.sizes() != target.sizes() || context < 1) {
    throw Error("BAD_ARGUMENT", "samples: expected two floating-point tables of one width and as many first rows as target rows");
  }
  if (length.defined() && (length.sizes() != first.sizes() ||
                           (size() > 0 && (length.min().item<int64_t>() < 1 || length.max().item<int64_t>() > context)))) {
    throw Error("BAD_ARGUMENT", "samples: expected a length from 1 to " + std::to_string(context) + " for each window");
  }
  within(first, vectors.size(0), "context");
  within(length.defined() ? first + length - 1 : first + context - 1, vectors.size(0), "context");
  within(target, targets.size(0), "target");
}

Samples::Batch Samples::gather(const Tensor& first, const Tensor& length, int64_t time, const Tensor& windows, torch::Dtype dtype,
                               torch::Device device) const {
  within(windows, size(), "window");
  require_unchanged(vectors);
  if (!targets.is_same(vectors)) require_unchanged(targets);
  const auto n = first.size(0), m = windows.size(0), d = dim();
  auto offsets = torch::arange(time).unsqueeze(0);
  if (length.defined()) offsets = torch::minimum(offsets, (length - 1).unsqueeze(1));
  const auto context_rows = (first.unsqueeze(1) + offsets).flatten(), ends = target.index_select(0, windows);
  if (!targets.is_same(vectors)) {
    return {vectors.index_select(0, context_rows).to(device, dtype).view({n, time, d}),
            targets.index_select(0, ends).to(device, dtype)};
  }
  const auto rows = vectors.index_select(0, torch::cat({context_rows, ends})).to(device, dtype);
  return {rows.narrow(0, 0, n * time).view({n, time, d}), rows.narrow(0, n * time, m)};
}

Tensor Samples::target_rows(const Tensor& ids, torch::Dtype dtype) const {
  within(ids, size(), "window");
  require_unchanged(targets);
  return targets.index_select(0, target.index_select(0, ids)).to(dtype);
}

}  // namespace lvm
