// Paints tenants by rollouts, and fills the table of who was behind. Stands behind shared.js; reads the page's data,
// asks nobody, and writes nothing but text.
(() => {
	const data = JSON.parse(byId("data").textContent);
	const { texts } = data;
	// Those of the group that is shown, a column each.
	let rollouts = data.rollouts;
	let many = rollouts.at.length;

	const minute = (at) => (at === null ? "–" : `${new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`);
	const duration = (seconds) => {
		const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
		if (hours === 0) return `${minutes} min`;
		if (hours >= 48) return hours % 24 === 0 ? `${number(hours / 24)} d` : `${number(Math.floor(hours / 24))} d ${hours % 24} h`;
		return minutes === 0 ? `${number(hours)} h` : `${number(hours)} h ${minutes} min`;
	};
	const nameOf = ([name, group]) => (group === null ? name : `${name} (${texts[group]})`);
	const labelsOf = ([, , , labels]) => (labels === undefined ? "" : texts[labels]);
	const KNOWN = ["verified", "assumed", "off_target", "errored", "dry_run", "unreached", "missing"];
	const symbolOf = (state) => (KNOWN.includes(state) ? state : "other");

	// Who was behind.
	const lags = data.lag.map(([tenant, since, until, rollouts, seconds, state, reason, marks]) => {
		const mark = marks & 1 ? "waived" : marks & 2 ? "left the fleet" : "";
		return { tenant, since, until, rollouts, seconds, state: texts[state], reason: texts[reason], mark };
	});
	const until = (lag) => (lag.until === null ? "now" : minute(lag.until));
	const table = byId("table");
	let search = () => {};
	let lead = (lag, name) => name;
	const fill = () => {
		if (!table) return;
		const line = (lag) => {
			const [name, group] = data.tenants[lag.tenant];
			const head = element("th", lead(lag, element("code", name)));
			head.scope = "row";
			if (group !== null) {
				const of = element("span", texts[group]);
				of.className = "quiet";
				head.append(" ", of);
			}
			const labels = labelsOf(data.tenants[lag.tenant]);
			if (labels) {
				const of = element("span", ...prose(labels));
				of.className = "labels";
				head.append(" ", of);
			}
			const state = element("td", symbol(symbolOf(lag.state)), lag.state);
			if (lag.mark) state.append(" ", lift(lag.mark));
			const cells = [minute(lag.since), until(lag), duration(lag.seconds), number(lag.rollouts)];
			return element("tr", head, ...cells.map((cell) => element("td", cell)), state, element("td", ...prose(lag.reason)));
		};
		const columns = [
			(lag) => nameOf(data.tenants[lag.tenant]),
			(lag) => lag.since,
			(lag) => lag.until ?? Infinity,
			(lag) => lag.seconds,
			(lag) => lag.rollouts,
			(lag) => `${lag.state} ${lag.mark}`,
			(lag) => lag.reason,
		];
		const text = (lag) =>
			[nameOf(data.tenants[lag.tenant]), labelsOf(data.tenants[lag.tenant]), minute(lag.since), until(lag), lag.state, lag.mark, lag.reason].join("\n");
		search = finder(table, { rows: lags, line, columns, text, noun: "time" });
	};

	// Tenants by rollouts.
	const map = byId("map");
	if (!map) return fill();
	const everybody = data.tenants.map((row, place) => ({ row, place })).filter(({ row }) => row[2] !== null);
	let tenants = everybody;
	const sheet = byId("sheet");
	const room = byId("room");
	const canvas = sheet.querySelector("canvas");
	const draw = canvas.getContext("2d");
	const LINE = 20;
	// How wide a cell becomes where there is room for every rollout, and how wide at the most where there is not.
	const WIDEST = 72;
	const CLOSEST = 24;
	// Wider cells have the time of day above them.
	const TIMED = 40;
	// Narrower cells show no shape.
	const SHAPED = 8;
	const STRIP = 16;
	const PRINTED = 60;
	const STATES = { v: "verified", a: "assumed", o: "off_target", e: "errored", d: "dry_run", u: "unreached", m: "missing" };
	const stateOf = (letter) => STATES[letter.toLowerCase()] ?? "other";
	const isBehind = (letter) => letter >= "A" && letter <= "Z";
	// How much a letter matters where there is no room for all.
	const RANKED = ".doeuxmvaADOEXUM";
	const rank = (letter) => {
		const at = RANKED.indexOf(letter);
		return at >= 0 ? at : RANKED.indexOf(isBehind(letter) ? "X" : "x");
	};

	const unpack = (runs) => {
		const letters = new Uint8Array(data.rollouts.at.length).fill(46);
		let [at, i] = [0, 0];
		while (i < runs.length && at < letters.length) {
			const letter = runs.charCodeAt(i++);
			let length = 0;
			while (i < runs.length && runs.charCodeAt(i) < 58 && runs.charCodeAt(i) > 47) length = length * 10 + runs.charCodeAt(i++) - 48;
			letters.fill(letter, at, at + (length || 1));
			at += length || 1;
		}
		return columns ? Uint8Array.from(columns, (column) => letters[column]) : letters;
	};
	const histories = new Map();
	// The rollouts of the group that is shown, by their place among all; none where there is only one group.
	let columns;
	const project = () => {
		const part = (list) => (Array.isArray(list) ? columns.map((column) => list[column]) : columns.map((column) => list[column]).join(""));
		rollouts = Object.fromEntries(Object.entries(data.rollouts).map(([name, list]) => [name, part(list)]));
		many = columns.length;
		histories.clear();
	};
	const history = (row) => {
		if (!histories.has(row)) histories.set(row, unpack(tenants[row].row[2]));
		return histories.get(row);
	};
	const ranks = Uint8Array.from({ length: 128 }, (_, code) => rank(String.fromCharCode(code)));
	const isFalse = (column) => rollouts.called[column] === "g" && rollouts.decision[column] === "f";

	const media = { print: matchMedia("print"), dark: matchMedia("(prefers-color-scheme: dark)"), forced: matchMedia("(forced-colors: active)") };
	let pitch = 0;
	let fit = 1;
	let closest = CLOSEST;
	let names = 0;
	let head = 0;
	let width = 0;
	let at = { row: 0, column: many - 1 };
	let over;
	let active = false;
	let mono = "";

	const style = () => getComputedStyle(document.documentElement);
	const widthOf = (text) => draw.measureText(text).width;
	/// A text that is no wider than there is room; what tells names apart most often is their end.
	const clipped = (text, room, end) => {
		if (widthOf(text) <= room) return text;
		let [low, high] = [0, text.length];
		while (low < high) {
			const middle = Math.ceil((low + high) / 2);
			const part = end ? `…${text.slice(text.length - middle)}` : `${text.slice(0, middle)}…`;
			if (widthOf(part) <= room) low = middle;
			else high = middle - 1;
		}
		return end ? `…${text.slice(text.length - low)}` : `${text.slice(0, low)}…`;
	};
	const targetOf = (column) => (rollouts.target[column] === null ? "unknown target" : texts[rollouts.target[column]]);

	/// How large everything is, for the room there is.
	const measure = () => {
		const printing = media.print.matches;
		mono = style().getPropertyValue("--mono");
		draw.font = `12px ${mono}`;
		width = printing ? 1000 : sheet.clientWidth;
		let widest = widthOf("was called");
		for (const { row } of tenants.slice(0, 2000)) widest = Math.max(widest, widthOf(row[0]));
		names = Math.ceil(Math.min(widest, width * 0.36, 260)) + 12;
		const whole = printing || pitch <= fit * 1.001;
		fit = Math.min(WIDEST, (width - names - 4) / many);
		closest = Math.max(CLOSEST, fit);
		pitch = whole ? fit : Math.min(closest, Math.max(fit, pitch));
		const labelled = pitch >= 12;
		let longest = 0;
		if (labelled) for (let i = Math.max(0, many - 500); i < many; i++) longest = Math.max(longest, widthOf(targetOf(i)));
		head = (pitch >= TIMED ? 36 : 22) + (labelled ? Math.min(110, Math.ceil(longest)) + 10 : 0) + 12 + 2 * STRIP + 8;
		const lines = printing ? Math.min(PRINTED, tenants.length) : tenants.length;
		room.style.width = `${Math.floor(names + many * pitch + 4)}px`;
		room.style.height = `${head + lines * LINE + 4}px`;
		byId("farther").disabled = pitch <= fit * 1.001;
		byId("closer").disabled = pitch >= closest * 0.999;
		byId("farther").hidden = byId("closer").hidden = fit >= CLOSEST;
	};

	const paint = () => {
		const printing = media.print.matches;
		const css = style();
		const color = (name) => css.getPropertyValue(`--${name}`).trim();
		const [left, top] = printing ? [0, 0] : [sheet.scrollLeft, sheet.scrollTop];
		const lines = printing ? Math.min(PRINTED, tenants.length) : tenants.length;
		const height = printing ? head + lines * LINE + 4 : sheet.clientHeight;
		const scale = Math.min(printing ? 2 : window.devicePixelRatio || 1, 8000 / width, 8000 / height);
		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
		canvas.style.width = `${width}px`;
		canvas.style.height = `${height}px`;
		draw.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
		const [paper, ink, quiet, rule, tint] = ["paper", "ink", "quiet", "rule", "tint"].map(color);
		const [pass, fail, open] = ["pass", "fail", "inconclusive"].map(color);
		const inks = Object.fromEntries([...Object.values(STATES), "other"].map((state) => [state, color(state)]));
		const [cellVerified, cellAssumed] = [color("verified-cell"), color("assumed-cell")];
		const focus = active ? at : (over ?? at);

		// Where many rollouts share a pixel, the worst of them is seen.
		const slot = Math.max(1, pitch);
		const first = Math.floor(left / slot);
		const last = Math.min(Math.ceil((left + width - names) / slot), Math.ceil((many * pitch) / slot));
		const columnsOf = (place) =>
			pitch >= 1 ? [place, place + 1] : [Math.floor(place / pitch), Math.min(many, Math.ceil((place + 1) / pitch))];
		const x = (place) => names + place * slot - left;
		const gap = slot >= 6 ? 1 : 0;

		draw.fillStyle = paper;
		draw.fillRect(0, 0, width, height);
		draw.save();
		draw.beginPath();
		draw.rect(names, head - 2, width - names, height - head + 2);
		draw.clip();
		// False greens are seen through the whole map.
		draw.fillStyle = tint;
		if (pitch >= 2) for (let i = first; i < last; i++) if (isFalse(i)) draw.fillRect(x(i), head, slot, height - head);
		const top0 = Math.floor(top / LINE);
		const top1 = Math.min(lines, Math.ceil((top + height - head) / LINE));
		for (let row = top0; row < top1; row++) {
			const letters = history(row);
			const y = head + row * LINE - top;
			draw.fillStyle = rule;
			draw.fillRect(names, y + LINE - 0.5, width - names, 0.5);
			let place = first;
			while (place < last) {
				const worst = (place) => {
					const [from, to] = columnsOf(place);
					let found = letters[from];
					for (let i = from + 1; i < to; i++) if (ranks[letters[i]] > ranks[found]) found = letters[i];
					return found;
				};
				const code = worst(place);
				let end = place + 1;
				if (slot < SHAPED) while (end < last && worst(end) === code) end++;
				cell(String.fromCharCode(code), x(place), y, (end - place) * slot - gap);
				place = end;
			}
		}
		function cell(letter, x, y, wide) {
			const state = stateOf(letter);
			const size = Math.min(10, wide - 2, LINE - 8);
			const [left, up] = [x + (wide - size) / 2, y + (LINE - 1 - size) / 2];
			if (letter === ".") {
				if (wide < 4) return;
				draw.fillStyle = quiet;
				draw.globalAlpha = 0.55;
				draw.fillRect(x + (wide - Math.min(6, wide)) / 2, y + LINE / 2 - 1, Math.min(6, wide), 1);
				draw.globalAlpha = 1;
			} else if (isBehind(letter)) {
				draw.fillStyle = inks[state];
				draw.fillRect(x, y + 1, wide, LINE - 3);
				draw.fillStyle = paper;
				if (size >= 5) shape(draw, state, left, up, size);
			} else if (letter === "v" || letter === "a") {
				draw.fillStyle = letter === "v" ? cellVerified : cellAssumed;
				draw.fillRect(x, y + 3, wide, LINE - 7);
				draw.fillStyle = paper;
				if (letter === "a" && size >= 4) draw.fillRect(x + 3, y + 6, wide - 6, LINE - 13);
				else if (letter === "a") draw.fillRect(x, y + LINE / 2 - 2, wide, 2);
			} else {
				draw.fillStyle = inks[state];
				if (size >= 5) shape(draw, state, left + 1, up + 1, size - 2);
				else draw.fillRect(x, y + LINE - 7, wide, 3);
			}
		}
		if (focus.row >= 0) ring(names + focus.column * pitch - left, head + focus.row * LINE - top, Math.max(pitch - gap, 3), LINE - 1);
		draw.restore();
		function ring(x, y, wide, high) {
			for (const [line, stroke] of [[5, paper], [2.5, active ? color("focus") : ink]]) {
				draw.strokeStyle = stroke;
				draw.lineWidth = line;
				draw.strokeRect(x - 1, y, wide + 2, high - 1);
			}
		}

		// Names.
		draw.save();
		draw.beginPath();
		draw.rect(0, head, names, height - head);
		draw.clip();
		draw.textBaseline = "middle";
		draw.textAlign = "left";
		for (let row = top0; row < top1; row++) {
			const y = head + row * LINE - top;
			const marked = focus.row === row;
			draw.font = `${marked ? "700 " : ""}12px ${mono}`;
			draw.fillStyle = ink;
			draw.fillText(clipped(tenants[row].row[0], names - 12), 0, y + LINE / 2);
		}
		draw.restore();

		// The head: when, what, what it was called, and what it is.
		draw.font = `11px ${mono}`;
		draw.textBaseline = "middle";
		const then = head - 8 - 2 * STRIP;
		const now = then + STRIP;
		draw.fillStyle = quiet;
		draw.fillText("was called", 0, then + STRIP / 2);
		draw.fillText("is", 0, now + STRIP / 2);
		draw.fillStyle = ink;
		draw.fillRect(0, head - 3, width, 1);
		draw.save();
		draw.beginPath();
		draw.rect(names, 0, width - names, head);
		draw.clip();
		// Days, wherever there is room for one.
		draw.font = `11px ${mono}`;
		let free = -Infinity;
		let before = "";
		const start = Math.max(0, Math.floor(left / pitch));
		const stop = Math.min(many, Math.ceil((left + width - names) / pitch));
		for (let i = start; i < stop; i++) {
			const day = minute(rollouts.at[i]).slice(0, 10);
			const from = names + i * pitch - left;
			if (pitch >= TIMED) {
				draw.fillStyle = focus.column === i ? ink : quiet;
				draw.fillText(minute(rollouts.at[i]).slice(11, 16), from, 28);
			}
			if (day === before) continue;
			before = day;
			const fits = from >= free && from + widthOf(day) <= width;
			draw.fillStyle = rule;
			if (fits || pitch >= 3) draw.fillRect(from, 14, 1, fits ? 8 : 4);
			if (!fits) continue;
			draw.fillStyle = quiet;
			draw.fillText(day, from, 7);
			free = from + widthOf(day) + 14;
		}
		if (pitch >= 12) {
			for (let i = first; i < last; i++) {
				draw.save();
				draw.translate(x(i) + (slot - gap) / 2, then - 16);
				draw.rotate(-Math.PI / 2);
				draw.fillStyle = focus.column === i ? ink : quiet;
				draw.fillText(clipped(targetOf(i), 110, true), 0, 0.5);
				draw.restore();
			}
		}
		for (let place = first; place < last; place++) {
			const [from, to] = columnsOf(place);
			let column = from;
			const weight = (i) => (isFalse(i) ? 9 : "npif".indexOf(rollouts.decision[i]));
			for (let i = from + 1; i < to; i++) if (weight(i) > weight(column)) column = i;
			verdict(x(place), rollouts.called[column], rollouts.decision[column], isFalse(column));
		}
		function verdict(x, called, decision, lie) {
			const wide = slot - gap;
			if (lie) {
				draw.fillStyle = fail;
				const half = Math.min(5, Math.max(1, wide / 2));
				draw.beginPath();
				draw.moveTo(x + wide / 2 - half, then - 10);
				draw.lineTo(x + wide / 2 + half, then - 10);
				draw.lineTo(x + wide / 2, then - 2);
				draw.fill();
			}
			mark(x, then, wide, { g: "good", r: "bad", u: "none" }[called]);
			mark(x, now, wide, { p: "good", f: "bad", i: "open", n: "none" }[decision]);
		}
		function mark(x, y, wide, what) {
			const [middle, line] = [x + wide / 2, y + STRIP / 2];
			if (what === "none") {
				draw.fillStyle = quiet;
				if (wide >= 3) draw.fillRect(middle - 1, line - 1, 2, 2);
				return;
			}
			draw.fillStyle = { good: pass, bad: fail, open }[what];
			if (wide < SHAPED - 1) {
				// Without room for shapes, what is good is a low bar, and what is not a high one.
				const high = { good: 3, open: 8, bad: STRIP - 2 }[what];
				draw.fillRect(x, y + STRIP - 1 - high, wide, high);
			} else if (what === "good") {
				draw.beginPath();
				draw.arc(middle, line, Math.min(4, wide / 2 - 1), 0, 7);
				draw.fill();
			} else if (what === "bad") {
				const size = Math.min(9, wide - 1);
				shape(draw, "off_target", middle - size / 2, line - size / 2, size);
			} else {
				draw.font = `700 12px ${mono}`;
				draw.textAlign = "center";
				draw.fillText("?", middle, line + 0.5);
				draw.textAlign = "left";
			}
		}
		if (focus.row < 0) ring(names + focus.column * pitch - left, then, Math.max(pitch - gap, 3), 2 * STRIP);
		draw.restore();
	};

	const CALLED = { g: "called green", r: "called red", u: "called nothing that is known" };
	const IS = { p: "and is a pass", f: "and is a fail", i: "and its evidence cannot decide", n: "and asserts nothing" };
	const rolloutWords = (column) => {
		const lie = isFalse(column) ? ", a FALSE GREEN" : "";
		return `${CALLED[rollouts.called[column]]}, ${IS[rollouts.decision[column]]}${lie}`;
	};
	const cellWords = (row, column) => {
		const letter = String.fromCharCode(history(row)[column]);
		const state = stateOf(letter) === "other" ? "in a state of your own policies" : stateOf(letter);
		const time = rollouts.at[column];
		const { place } = tenants[row];
		if (letter === ".") {
			if (rollouts.decision[column] === "n") return "not judged: the rollout asserts nothing";
			return "outside the fleet";
		}
		if (!isBehind(letter)) return letter === "v" || letter === "a" ? state : `${state}, but not behind: nobody beside the canary was reached`;
		const lag = lagsOf(place).find(({ since, until }) => since <= time && (until === null || time < until));
		if (!lag) return `BEHIND, ${state}`;
		const span = `BEHIND, ${state}; since ${minute(lag.since)} until ${until(lag)}, ${duration(lag.seconds)}`;
		return lag.rollouts === 1 ? `${span}: ${lag.reason}` : `${span}, in ${number(lag.rollouts)} rollouts, in the last of them ${lag.reason}`;
	};
	let byTenant;
	const lagsOf = (place) => {
		byTenant ??= Map.groupBy ? Map.groupBy(lags, ({ tenant }) => tenant) : { get: (place) => lags.filter(({ tenant }) => tenant === place) };
		return byTenant.get(place) ?? [];
	};
	const words = ({ row, column }) => {
		const what = `${minute(rollouts.at[column])}, ${targetOf(column)}`;
		if (row >= 0) {
			const said = [`${nameOf(tenants[row].row)}, ${what}`, cellWords(row, column), `The rollout was ${rolloutWords(column)}`];
			const labels = labelsOf(tenants[row].row);
			return labels ? [...said, labels] : said;
		}
		const because = rollouts.because[column] === null ? "" : `: ${texts[rollouts.because[column]]}`;
		const proven = `${number(rollouts.proven[column])} of ${number(rollouts.fleet[column])} tenants proven`;
		return [`Rollout of ${what}, ${proven}`, `It was ${rolloutWords(column)}${because}`, rollouts.archive[column]];
	};
	const tip = (place) => {
		byId("map-tip").textContent = words(place).join("\n");
	};

	const lines = ["a", "b"].map((name) => [byId(`row-${name}`), byId(`cell-${name}`)]);
	// Two cells take turns, so that a screen reader hears of every step.
	const step = () => {
		lines.reverse();
		const [line, cell] = lines[0];
		line.setAttribute("aria-rowindex", String(at.row + 2));
		cell.setAttribute("aria-colindex", String(at.column + 1));
		cell.textContent = words(at).join(". ");
		sheet.setAttribute("aria-activedescendant", cell.id);
		tip(at);
	};
	let asked = false;
	const repaint = () => {
		if (asked) return;
		asked = true;
		requestAnimationFrame(() => {
			asked = false;
			paint();
		});
	};
	const bring = () => {
		const x = at.column * pitch;
		const across = sheet.clientWidth - names;
		if (x < sheet.scrollLeft) sheet.scrollLeft = x - 2 * pitch;
		else if (x + pitch > sheet.scrollLeft + across) sheet.scrollLeft = x + 3 * pitch - across;
		if (at.row < 0) return;
		const y = at.row * LINE;
		const down = sheet.clientHeight - head;
		if (y < sheet.scrollTop) sheet.scrollTop = y;
		else if (y + LINE > sheet.scrollTop + down) sheet.scrollTop = y + LINE + 4 - down;
	};
	const go = (row, column) => {
		at = { row: Math.max(-1, Math.min(tenants.length - 1, row)), column: Math.max(0, Math.min(many - 1, column)) };
		active = true;
		bring();
		step();
		repaint();
	};
	const zoom = (by) => {
		const middle = active ? at.column : (sheet.scrollLeft + (sheet.clientWidth - names) / 2) / pitch;
		pitch = Math.max(fit, Math.min(closest, pitch * by));
		measure();
		sheet.scrollLeft = middle * pitch - (sheet.clientWidth - names) / 2;
		repaint();
	};
	const placeOf = (event) => {
		const box = sheet.getBoundingClientRect();
		const [x, y] = [event.clientX - box.left - sheet.clientLeft, event.clientY - box.top - sheet.clientTop];
		const row = y < head ? -1 : Math.floor((y - head + sheet.scrollTop) / LINE);
		const across = x - names + sheet.scrollLeft;
		let column = Math.floor(across / pitch);
		if (x < names || column >= many || row >= tenants.length) return undefined;
		if (pitch < 1) {
			const [from, to] = [Math.floor(Math.floor(across) / pitch), Math.min(many, Math.ceil((Math.floor(across) + 1) / pitch))];
			const weight = row < 0 ? (i) => Number(isFalse(i)) * 9 + "npif".indexOf(rollouts.decision[i]) : (i) => ranks[history(row)[i]];
			column = from;
			for (let i = from + 1; i < to; i++) if (weight(i) > weight(column)) column = i;
		}
		return { row, column };
	};
	const choose = () => {
		if (at.row >= 0) search(tenants[at.row].row[0]);
	};
	sheet.addEventListener("scroll", repaint, { passive: true });
	sheet.addEventListener("pointermove", (event) => {
		const place = placeOf(event);
		if (place?.row === over?.row && place?.column === over?.column) return;
		over = place;
		if (place) tip(place);
		repaint();
	});
	sheet.addEventListener("pointerleave", () => {
		over = undefined;
		tip(at);
		repaint();
	});
	sheet.addEventListener("click", (event) => {
		const place = placeOf(event);
		if (place) go(place.row, place.column);
	});
	sheet.addEventListener("dblclick", choose);
	sheet.addEventListener("focus", () => {
		active = true;
		step();
		repaint();
	});
	sheet.addEventListener("blur", () => {
		active = false;
		repaint();
	});
	sheet.addEventListener("keydown", (event) => {
		const page = Math.max(1, Math.floor((sheet.clientHeight - head) / LINE) - 1);
		const ways = {
			ArrowLeft: [0, -1],
			ArrowRight: [0, 1],
			ArrowUp: [-1, 0],
			ArrowDown: [1, 0],
			PageUp: [-page, 0],
			PageDown: [page, 0],
			Home: [0, -many],
			End: [0, many],
		};
		if (event.altKey || event.ctrlKey || event.metaKey) return;
		if (event.key === "Enter") choose();
		else if (event.key === "+" || event.key === "=") zoom(2);
		else if (event.key === "-") zoom(0.5);
		else if (event.key in ways) go(at.row + ways[event.key][0], at.column + ways[event.key][1]);
		else return;
		event.preventDefault();
	});
	byId("closer").addEventListener("click", () => zoom(2));
	byId("farther").addEventListener("click", () => zoom(0.5));

	// A tenant in the table leads to its row, where it fell behind.
	const shown = new Set(everybody.map(({ place }) => place));
	lead = ({ tenant, since }, name) => {
		if (!shown.has(tenant)) return name;
		const button = element("button", name);
		button.type = "button";
		button.className = "lead";
		button.title = "Show it in the heat map";
		button.addEventListener("click", () => {
			showGroup(data.tenants[tenant][1]);
			const row = tenants.findIndex(({ place }) => place === tenant);
			const letters = history(row);
			const column = rollouts.at.findIndex((time, i) => time === since && isBehind(String.fromCharCode(letters[i])));
			sheet.focus({ preventScroll: true });
			go(row, Math.max(0, column));
			map.scrollIntoView({ block: "nearest" });
		});
		return button;
	};
	fill();

	map.hidden = false;
	const lay = () => {
		measure();
		paint();
	};
	// What is seen first is the worst tenant, in the last rollout that left it behind.
	const begin = () => {
		at = { row: 0, column: many - 1 };
		over = undefined;
		for (let i = many - 1; i >= 0; i--) {
			if (!isBehind(String.fromCharCode(history(0)[i]))) continue;
			at.column = i;
			break;
		}
		lay();
		sheet.scrollLeft = many * pitch;
		tip(at);
	};

	// Each group has a map of its own, and a button that shows it.
	const groups = new Map();
	let group = null;
	const showGroup = (wanted) => {
		if (wanted === group) return;
		group = wanted;
		columns = [...data.rollouts.group.keys()].filter((column) => data.rollouts.group[column] === group);
		project();
		tenants = everybody.filter(({ row }) => row[1] === group);
		pitch = 0;
		for (const [name, button] of groups) button.setAttribute("aria-pressed", String(name === group));
		sheet.setAttribute("aria-rowcount", String(tenants.length + 1));
		sheet.setAttribute("aria-colcount", String(many));
		sheet.setAttribute("aria-label", `Tenants by rollouts of ${texts[group]}, ${number(tenants.length)} by ${number(many)}`);
		begin();
	};
	for (const { row } of everybody) {
		if (row[1] === null || groups.has(row[1])) continue;
		const button = element("button", texts[row[1]]);
		button.type = "button";
		button.addEventListener("click", () => showGroup(row[1]));
		groups.set(row[1], button);
	}
	if (groups.size > 0) {
		byId("groups").append(...groups.values());
		byId("groups").hidden = false;
		showGroup(everybody[0].row[1]);
	} else {
		begin();
	}
	let seen = `${sheet.clientWidth} ${sheet.clientHeight}`;
	new ResizeObserver(() => {
		const now = `${sheet.clientWidth} ${sheet.clientHeight}`;
		if (now !== seen) lay();
		seen = now;
	}).observe(sheet);
	for (const one of Object.values(media)) one.addEventListener("change", lay);
	addEventListener("beforeprint", lay);
	addEventListener("afterprint", lay);
})();
