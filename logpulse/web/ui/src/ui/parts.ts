// The parts that load on their own. A part whose file is not there is left out of the build, and its stand-in stays.

import type { ComponentType } from "preact";
import type { EditorProps, FacetsProps, HistogramProps, MetricChartProps, TimePickerProps } from "../slots";
import type { Load } from "./Chunk";

type Module<Props> = { default: ComponentType<Props> };

const editors = import.meta.glob<Module<EditorProps>>("../editor/Editor.tsx");
const histograms = import.meta.glob<Module<HistogramProps>>("../chart/Histogram.tsx");
const charts = import.meta.glob<Module<MetricChartProps>>("../chart/MetricChart.tsx");
const facets = import.meta.glob<Module<FacetsProps>>("../facets/Facets.tsx");
const pickers = import.meta.glob<Module<TimePickerProps>>("../TimePicker.tsx");

export const loadEditor: Load<EditorProps> = editors["../editor/Editor.tsx"];
export const loadHistogram: Load<HistogramProps> = histograms["../chart/Histogram.tsx"];
export const loadMetricChart: Load<MetricChartProps> = charts["../chart/MetricChart.tsx"];
export const loadFacets: Load<FacetsProps> = facets["../facets/Facets.tsx"];
export const loadTimePicker: Load<TimePickerProps> = pickers["../TimePicker.tsx"];
