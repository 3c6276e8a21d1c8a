// Draws each chart of the page from its JSON, in the colours of the style sheet.
(() => {
  "use strict";
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);

  // light-dark() and var() only have a value on an element.
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  // All digits of a decimal, as text: drawing may be inexact, what is said may not.
  const dollars = (digits) => {
    const [whole, places = ""] = digits.split(".");
    return `$${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${places.padEnd(2, "0")}`;
  };

  const axis = (given) => ({
    ...given,
    gridcolor: colour("line"),
    linecolor: colour("line"),
    zerolinecolor: colour("line-strong"),
    tickfont: { color: colour("muted") },
    automargin: true,
    fixedrange: true,
    showspikes: false,
  });

  const draw = (figure) => {
    const { data, layout } = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const traces = data.map((trace) => ({
      ...trace,
      customdata: trace.y.map(dollars),
      hovertemplate: "%{customdata}",
      marker: {
        color: colour(`chart-${trace.meta.role}`),
        line: { color: colour("surface"), width: 1 },
      },
    }));
    const dressed = {
      ...layout,
      autosize: true,
      margin: { l: 8, r: 8, t: 8, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("text") },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "reversed" },
      hoverlabel: {
        bgcolor: colour("raised"),
        bordercolor: colour("line-strong"),
        font: { color: colour("text") },
      },
      xaxis: axis(layout.xaxis),
      yaxis: axis(layout.yaxis),
    };
    Plotly.react(figure, traces, dressed, { displayModeBar: false, responsive: true });
  };

  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  drawAll();
  document.addEventListener("portal:theme", drawAll);
})();
