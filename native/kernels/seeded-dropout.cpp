#include "seeded-dropout.h"

#include <ATen/autocast_mode.h>

#include "../parallel.h"
#include "../simd.h"
#include "batch-part.h"

namespace lvm {
namespace {

// Philox-4x32-10: eight 16-bit draws per counter value.
struct Philox {
  uint32_t key0, key1, stream0, stream1;

  // Writes `count` draws of eight elements each, from counter `first` on, as 0 or `keep`.
  LVM_CLONES static void fill(Philox p, uint64_t first, int64_t count, uint32_t threshold, float keep, float* out) {
    for (int64_t i = 0; i < count; ++i) {
      const auto counter = first + uint64_t(i);
      uint32_t c0 = uint32_t(counter), c1 = uint32_t(counter >> 32), c2 = p.stream0, c3 = p.stream1, k0 = p.key0, k1 = p.key1;
      for (int round = 0; round < 10; ++round) {
        const auto a = uint64_t(c0) * 0xD2511F53u, b = uint64_t(c2) * 0xCD9E8D57u;
        const uint32_t n0 = uint32_t(b >> 32) ^ c1 ^ k0, n2 = uint32_t(a >> 32) ^ c3 ^ k1;
        c1 = uint32_t(b), c3 = uint32_t(a), c0 = n0, c2 = n2;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
      }
      float* o = out + i * 8;
      o[0] = (c0 & 0xFFFFu) >= threshold ? keep : 0.f, o[1] = (c0 >> 16) >= threshold ? keep : 0.f;
      o[2] = (c1 & 0xFFFFu) >= threshold ? keep : 0.f, o[3] = (c1 >> 16) >= threshold ? keep : 0.f;
      o[4] = (c2 & 0xFFFFu) >= threshold ? keep : 0.f, o[5] = (c2 >> 16) >= threshold ? keep : 0.f;
      o[6] = (c3 & 0xFFFFu) >= threshold ? keep : 0.f, o[7] = (c3 >> 16) >= threshold ? keep : 0.f;
    }
  }
};

// `count` elements of a mask from element `first` on. The rate is rounded to a multiple of 1/65536; the scale uses the rounded
// rate.
Tensor mask_from(int64_t first, int64_t count, double rate, const Random& random) {
  const auto threshold = uint32_t(std::lround(rate * 65536));
  const auto keep = float(65536.0 / (65536.0 - threshold));
  const auto skipped = first / 8, blocks = (first + count + 7) / 8 - skipped;
  auto mask = torch::empty({blocks * 8}, torch::kFloat32);
  auto* out = mask.data_ptr<float>();
  const Philox philox{uint32_t(random.seed), uint32_t(random.seed >> 32), uint32_t(random.step), uint32_t(random.calls)};
  parallel(blocks, 2048, [&](int64_t begin, int64_t end) {
    Philox::fill(philox, uint64_t(skipped + begin), end - begin, threshold, keep, out + begin * 8);
  });
  return mask.narrow(0, first - skipped * 8, count);
}

}  // namespace

Tensor dropout_mask(at::IntArrayRef shape, double rate, const Random& random, int64_t batch) {
  const auto part = current_parts().contexts;
  const auto n = c10::multiply_integers(shape);
  if (part.of == 0) return mask_from(0, n, rate, random).view(shape);
  const auto size = shape[size_t(batch)];
  if (batch == 0) return mask_from(part.from * (n / size), n, rate, random).view(shape);
  auto whole = shape.vec();
  whole[size_t(batch)] = part.of;
  return mask_from(0, n / size * part.of, rate, random).view(whole).narrow(batch, part.from, size);
}

Tensor dropout(const Tensor& x, double rate, Pass& pass, int64_t batch) {
  if (!pass.training || rate == 0) return x;
  pass.random.calls += 1;
  if (!x.is_cpu()) return at::dropout(x, rate, true);  // the trainer seeds the device's generator from (seed, step)
  return x * dropout_mask(x.sizes(), rate, pass.random, batch).to(x.scalar_type());
}

}  // namespace lvm
