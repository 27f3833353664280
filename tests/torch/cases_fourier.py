"""Fourier transforms, windows, spectrograms, covariance."""

import torch

from case import bools, case, ints, pos, r


def z(*shape, seed=0, dtype=torch.complex64):
    """Complex numbers, the same each time."""
    return torch.complex(r(*shape, seed=seed), r(*shape, seed=seed + 1)).to(dtype)


fft = torch.fft
for n in (1, 2, 3, 8, 12, 17, 37, 60):
    case(f"fft_rfft_{n}", lambda x: (fft.rfft(x), fft.ihfft(x), fft.fft(x), fft.ifft(x)), r(2, n))
    case(f"fft_irfft_{n}", lambda x, n=n: (fft.irfft(x, n), fft.hfft(x, n)), z(2, n // 2 + 1))
for norm in ("forward", "backward", "ortho"):
    case(f"fft_norm_{norm}", lambda x, m=norm: (fft.fft(x, norm=m), fft.ifft(x, norm=m), fft.fft2(x, norm=m), fft.ifftn(x, norm=m)), z(3, 4, 6))
    case(f"fft_norm_real_{norm}", lambda x, m=norm: (fft.rfft(x, norm=m), fft.rfftn(x, norm=m), fft.ihfft(x, norm=m), fft.ihfft2(x, norm=m)), r(3, 4, 6))
    case(f"fft_norm_half_{norm}", lambda x, m=norm: (fft.irfft(x, norm=m), fft.irfftn(x, norm=m), fft.hfft(x, norm=m), fft.hfftn(x, norm=m)), z(3, 4, 6))
for n in (3, 7):
    case(f"fft_length_{n}", lambda x, n=n: (fft.fft(x, n, 0), fft.rfft(x.real, n), fft.irfft(x, n, 1), fft.hfft(x, n)), z(5, 5))
case("fft_sizes", lambda x: (fft.fftn(x, (4, 3)), fft.fft2(x, (2, 7), dim=(0, 2)), fft.rfft2(x.real, (2, -1)), fft.irfftn(x, (4, 5), (0, 1))), z(3, 4, 6))
case("fft_int", lambda x: (fft.fft(x), fft.rfft(x)), ints(-5, 5, 3, 8))
case("fft_bool", lambda x: fft.rfft(x), bools(3, 8))
case("fft_f64", lambda x: (fft.fft(x), fft.irfft(fft.rfft(x))), r(3, 8, dtype=torch.float64))
case("fft_shift", lambda x: (fft.fftshift(x), fft.ifftshift(x), fft.fftshift(x, 1), fft.ifftshift(x, (0, 1))), r(3, 4, 5))
case("fft_shift_complex", lambda x: (fft.fftshift(x), fft.ifftshift(x, -1)), z(3, 5))
case("fft_freq", lambda x: (fft.fftfreq(x.shape[0]), fft.rfftfreq(x.shape[0], 0.5), fft.fftfreq(9, 2.0, dtype=torch.float64)), r(8))
case("fft_filter", lambda x, h: fft.irfft2(fft.rfft2(x) * fft.rfft2(h, x.shape[-2:])), r(2, 8, 8), r(3, 3))


def spectrogram(x, n=16, **options):
    return torch.stft(x, n, window=torch.hann_window(options.get("win_length", n)), return_complex=True, **options)


case("stft_plain", lambda x: spectrogram(x), r(2, 64))
case("stft_vector", lambda x: spectrogram(x, hop_length=5), r(50))
case("stft_power", lambda x: spectrogram(x, hop_length=4).abs() ** 2, r(2, 64))
case("stft_short_window", lambda x: spectrogram(x, win_length=11, hop_length=3, normalized=True), r(2, 64))
case("stft_not_centred", lambda x: spectrogram(x, center=False, onesided=False), r(2, 64))
case("stft_replicate", lambda x: spectrogram(x, pad_mode="replicate"), r(2, 64))
case("stft_complex", lambda x: torch.stft(x, 16, window=torch.hann_window(16), return_complex=True), z(2, 64))
case("stft_as_real", lambda x: torch.view_as_real(torch.stft(x, 15, return_complex=True)), r(2, 64))
case("stft_f64", lambda x: torch.stft(x, 16, window=torch.hann_window(16, dtype=torch.float64), return_complex=True), r(2, 64, dtype=torch.float64))


def and_back(x, n=16, window=16, length=None, **options):
    w = torch.hann_window(window)
    y = torch.stft(x, n, window=w, win_length=window, return_complex=True, **options)
    return torch.istft(y * 2, n, window=w, win_length=window, length=length, **options)


case("istft_plain", lambda x: and_back(x), r(2, 64))
case("istft_vector", lambda x: and_back(x), r(64))
case("istft_options", lambda x: and_back(x, window=12, hop_length=3, normalized=True), r(2, 64))
case("istft_length", lambda x: (and_back(x, length=60), and_back(x, length=64)), r(2, 64))
case("istft_twosided", lambda x: and_back(x, onesided=False), r(2, 64))
case("istft_odd", lambda x: and_back(x, n=15, window=15), r(2, 64), export=False)
case("istft_complex", lambda x: torch.istft(torch.stft(x, 16, window=torch.hann_window(16), onesided=False, return_complex=True), 16,
                                            window=torch.hann_window(16), return_complex=True), z(2, 64))

for name in "hann_window hamming_window blackman_window bartlett_window kaiser_window".split():
    make = getattr(torch, name)
    case(f"window_{name}", lambda x, f=make: (x * f(8), x * f(8, periodic=False), f(1) + x, f(9, dtype=torch.float64)), r(8))
    if name != "kaiser_window":
        case(f"window_{name}_dynamic", lambda x, f=make: x * f(x.shape[0]), r(8))
case("window_hamming_coefficients", lambda x: x * torch.hamming_window(8, False, 0.6, 0.3), r(8))
case("window_kaiser_beta", lambda x: x * torch.kaiser_window(8, True, 7.0), r(8))

x = r(4, 9)
case("cov_plain", lambda x: (torch.cov(x), torch.cov(x[0]), torch.cov(x, correction=0)), x, export=False)
case("cov_weights", lambda x, f, a: (torch.cov(x, fweights=f), torch.cov(x, aweights=a), torch.cov(x, fweights=f, aweights=a), torch.cov(x, correction=0, aweights=a)),
     x, ints(1, 4, 9), pos(9), export=False)
case("cov_int", lambda x: torch.cov(x), ints(-9, 9, 3, 5), export=False)
case("cov_complex", lambda x: (torch.cov(x), torch.corrcoef(x)), z(3, 7), export=False)
case("corrcoef_plain", lambda x: (torch.corrcoef(x), torch.corrcoef(x[0])), x, export=False)
case("kron_ranks", lambda x, y: (torch.kron(x, y), torch.kron(y, x)), r(2, 3, 2), r(4, 2))
case("kron_types", lambda x, y: torch.kron(x, y), ints(-3, 3, 2, 2), r(2, 2))
# PyTorch's own decomposition of vander reads memory that nothing has written.
case("vander_plain", lambda x: (torch.vander(x), torch.vander(x, 3, True)), r(4), export=False)
case("vander_linalg", lambda x: torch.linalg.vander(x, N=5), r(2, 4))
case("vander_int", lambda x: torch.vander(x), ints(-4, 4, 4, dtype=torch.int32), export=False)
case("vander_linalg_int", lambda x: torch.linalg.vander(x), ints(-4, 4, 4, dtype=torch.int32))
case("vecdot_plain", lambda x, y: (torch.linalg.vecdot(x, y), torch.linalg.vecdot(x, y, dim=0)), r(3, 4), r(3, 4, seed=2))
case("sinc_int", torch.sinc, ints(-2, 3, 5))
case("angle_real", torch.angle, torch.tensor([-1.0, 0.0, -0.0, 2.0, float("nan"), float("-inf")]))
case("angle_int", torch.angle, ints(-2, 3, 5))
