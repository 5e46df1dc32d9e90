#include "parallel.h"

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include "torch.h"

namespace lvm {

void parallel(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& f) {
  if (n <= 0) return;
  if (n <= grain || at::get_num_threads() == 1 || at::in_parallel_region()) return f(0, n);
  // A tensor of n bytes. Its contents are not read: the loop computes its range from the addresses it receives.
  const at::AutoDispatchBelowAutograd below;
  char* const base = reinterpret_cast<char*>(alignof(std::max_align_t));
  auto places = at::from_blob(base, {n}, at::kByte);
  auto iterator = at::TensorIteratorConfig().set_check_mem_overlap(false).add_output(places).add_const_input(places).build();
  iterator.for_each(
    [&](char** data, const int64_t*, int64_t count, int64_t) {  // one dimension, so called once per range
      const auto begin = int64_t(data[0] - base);
      f(begin, begin + count);
    },
    grain);
}

}  // namespace lvm
