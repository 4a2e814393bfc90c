from .data.errors import MarrowError as MarrowError
from .data.fields import Collection as Collection
from .data.fields import Field as Field
from .data.images import read_bmp as read_bmp
from .data.images import read_image as read_image
from .data.layouts import scan as scan
from .imaging.augment import Augmented as Augmented
from .imaging.augment import augment as augment
from .imaging.segmentation import segment_cytoplasm as segment_cytoplasm
from .imaging.segmentation import segment_nuclei as segment_nuclei
from .imaging.settings import AugmentSettings as AugmentSettings
from .imaging.settings import SegmentSettings as SegmentSettings
from .jobs.train import TrainJob as TrainJob
from .jobs.train import train as train
from .learning.bundle import Bundle as Bundle
from .learning.bundle import load_bundle as load_bundle
from .learning.bundle import predict_one as predict_one
from .learning.bundle_info import BundleInfo as BundleInfo
from .learning.evaluation import Evaluation as Evaluation
from .learning.evaluation import Score as Score
from .learning.predictor import Prediction as Prediction
from .learning.settings import TrainingSettings as TrainingSettings
from .measure.chi2 import chi_square as chi_square
from .measure.chi2 import non_negative as non_negative
from .measure.extract import features as features
from .measure.settings import FeatureSettings as FeatureSettings

__version__: str
