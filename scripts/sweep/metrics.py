"""What the figures of semcodec-eval and libvmaf are called, and which way is better."""
import re

REVISION = 1  # raise it when a metric of semcodec-eval comes out otherwise: all is measured anew

# key -> label, unit, whether higher is better, decimals
KNOWN = {
    "psnr": ("PSNR", "dB", True, 2),
    "ssim": ("SSIM", "", True, 4),
    "vmaf": ("VMAF", "", True, 1),
    "lpips_squeeze": ("LPIPS (squeeze)", "", False, 4),
    "lpips_alex": ("LPIPS (alex)", "", False, 4),
    "lpips_vgg": ("LPIPS (vgg)", "", False, 4),
    "dists": ("DISTS", "", False, 4),
    "gmsd": ("GMSD", "", False, 4),
    "motion_error": ("Motion error", "", False, 3),
    "fid": ("FID", "", False, 2),
    "kid": ("KID", "", False, 4),
    "fd_squeezenet": ("FD (SqueezeNet)", "", False, 2),
    "psnr_yuv611": ("PSNR YUV 6:1:1", "dB", True, 2),
    "psnr_pooled": ("PSNR pooled", "dB", True, 2),
    "ms_ssim": ("MS-SSIM", "", True, 4),
    "flicker": ("Flicker", "grey levels", False, 3),
    "warping_error": ("Warping error", "", False, 5),
}
DRAWN = ("psnr", "ssim", "vmaf", "lpips_squeeze", "lpips_alex", "lpips_vgg", "dists", "gmsd",
         "motion_error")
# Distances between sets of features, by whatever names semcodec-eval prints them; their spread
# and the number of samples are no quality by themselves.
DISTANCE = re.compile(r"^(fid|kid|fd|frechet)(_|$)|(_fid|_kid|_fd|_frechet)(_|$)")
NOT_QUALITY = re.compile(r"(_std|_patches|_count|_samples|_subsets|_dim\w*|_size)$")


def is_distance(name):
    return bool(DISTANCE.search(name)) and not NOT_QUALITY.search(name)


def info(name):
    """label, unit, higher_is_better, decimals"""
    if name in KNOWN:
        return KNOWN[name]
    return name.replace("_", " ").upper(), "", False, 3


def heading(name):
    label, unit, higher, _ = info(name)
    return f"{label}{', ' + unit if unit else ''} ({'higher' if higher else 'lower'} is better)"


def judged(results):
    """Names of the figures that are judged (curves, BD) in these results, in a fixed order."""
    present = {name for result in results for name in result.get("metrics", {})}
    known = [name for name in KNOWN if name in present]
    return known + sorted(name for name in present if is_distance(name) and name not in KNOWN)


def drawn(results):
    """Those that get a curve in the figures."""
    return [name for name in judged(results) if name in DRAWN or is_distance(name)]
