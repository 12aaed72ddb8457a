"""semcodec, the semantic-communication video codec, for NumPy.

    stream = semcodec.encode(frames, fps=25, bit_rate=8000)   # (height, width, 3) uint8 arrays
    for frame in semcodec.Decoder(stream):
        show(frame.image)
    for coded in semcodec.Reader("clip.sem"):                 # no networks
        print(coded.seconds, coded.bits, coded.edges.shape)

Needs NumPy. LibTorch is used as a C++ library; the Python package torch is not imported.
"""

import fractions
import os

from . import _semcodec
from ._semcodec import (CodedFrame, DecodedFrame, Decoder, Encoder, Error, ModelInfo, Reader,
                        StreamInfo, add_model_folder, encode_file, model_folders, open_model,
                        set_log_level)

__version__ = _semcodec.version()
__all__ = ["CodedFrame", "DecodedFrame", "Decoder", "Encoder", "Error", "ModelInfo", "Reader",
           "StreamInfo", "add_model_folder", "decode", "encode", "encode_file", "model_folders",
           "open_model", "set_log_level", "statistics"]

_models = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
if os.path.isdir(_models):
    add_model_folder(_models)
set_log_level("warning")


def encode(frames, fps, **options):
    """Encodes frames of one size, (height, width, 3) uint8 RGB arrays, to the bytes of a stream.

    fps: frames a second, a number or a fraction. Options as for Encoder.
    """
    rate = fractions.Fraction(fps).limit_denominator(1001)
    encoder = None
    parts = []
    for pts, frame in enumerate(frames):
        if encoder is None:
            height, width = frame.shape[:2]
            encoder = Encoder(width, height, time_base=(rate.denominator, rate.numerator),
                              frame_rate=(rate.numerator, rate.denominator), **options)
        encoder.push(frame, pts)
        parts.append(encoder.take())
    if encoder is None:
        raise ValueError("there is no frame to encode")
    parts.append(encoder.finish())
    return b"".join(parts)


def decode(stream, **options):
    """The pictures of a stream as a list of (height, width, 3) uint8 RGB arrays."""
    return [frame.image for frame in Decoder(stream, **options)]


def statistics(stream):
    """Reads a whole stream; returns its info, its statistics, and those of each coded frame."""
    reader = Reader(stream)
    coded = [{"pts": frame.pts, "seconds": frame.seconds, "bytes": frame.bytes,
              "bits": frame.bits, "entry_point": frame.entry_point, "cut": frame.cut,
              "interpolated": len(frame.interpolated_pts)} for frame in reader]
    return {"info": reader.info, "status": reader.status, **reader.stats, "coded": coded}
