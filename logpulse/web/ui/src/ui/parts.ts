// The parts that load on their own, after the first paint.

import type { EditorProps, FacetsProps, HistogramProps, MetricChartProps } from "../slots";
import type { Load } from "./Chunk";

export const loadEditor: Load<EditorProps> = () => import("../editor/Editor");
export const loadHistogram: Load<HistogramProps> = () => import("../chart/Histogram");
export const loadMetricChart: Load<MetricChartProps> = () => import("../chart/MetricChart");
export const loadFacets: Load<FacetsProps> = () => import("../facets/Facets");
