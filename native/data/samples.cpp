#include "samples.h"

#include "mapped-file.h"

namespace lvm {
namespace {

void within(const Tensor& rows, int64_t reach, int64_t limit, const char* what) {
  if (rows.numel() == 0) return;
  const auto low = rows.min().item<int64_t>(), high = rows.max().item<int64_t>() + reach;
  if (low < 0 || high > limit) {
    throw Error("BAD_ARGUMENT", std::string("samples: expected ") + what + " rows from 0 to " + std::to_string(limit - 1) +
                                  " but received " + std::to_string(low < 0 ? low : high - 1));
  }
}

}  // namespace

Samples::Samples(Tensor vectors_, Tensor targets_, Tensor first_, Tensor target_, int64_t context)
    : vectors(std::move(vectors_)),
      targets(std::move(targets_)),
      first(std::move(first_)),
      target(std::move(target_)),
      context(context) {
  if (!targets.defined()) targets = vectors;
  if (vectors.dim() != 2 || targets.dim() != 2 || vectors.size(1) != targets.size(1) || !vectors.is_floating_point() ||
      !targets.is_floating_point() || first.sizes() != target.sizes() || context < 1) {
    throw Error("BAD_ARGUMENT", "samples: expected two floating-point tables of one width and as many first rows as target rows");
  }
  within(first, context, vectors.size(0), "context");
  within(target, 1, targets.size(0), "target");
}

Samples::Batch Samples::gather(const Tensor& ids, torch::Dtype dtype, torch::Device device) const {
  within(ids, 1, size(), "window");
  require_unchanged(vectors);
  if (!targets.is_same(vectors)) require_unchanged(targets);
  const auto n = ids.size(0), d = dim();
  const auto starts = first.index_select(0, ids), ends = target.index_select(0, ids);
  const auto context_rows = (starts.unsqueeze(1) + torch::arange(context)).flatten();
  if (!targets.is_same(vectors)) {
    return {vectors.index_select(0, context_rows).to(device, dtype).view({n, context, d}),
            targets.index_select(0, ends).to(device, dtype)};
  }
  const auto rows = vectors.index_select(0, torch::cat({context_rows, ends})).to(device, dtype);
  return {rows.narrow(0, 0, n * context).view({n, context, d}), rows.narrow(0, n * context, n)};
}

Tensor Samples::target_rows(const Tensor& ids, torch::Dtype dtype) const {
  within(ids, 1, size(), "window");
  require_unchanged(targets);
  return targets.index_select(0, target.index_select(0, ids)).to(dtype);
}

}  // namespace lvm
