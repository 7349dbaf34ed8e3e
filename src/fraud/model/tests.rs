use proptest::prelude::*;

use super::*;

const SMALL: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n\
                     objective=binary sigmoid:1\nfeature_names=price user_events\nfeature_infos=[0:9] [0:9]\ntree_sizes=1 2\n\n\
                     Tree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=1 0\nsplit_gain=1 1\nthreshold=4.5 2\ndecision_type=2 2\n\
                     left_child=1 -2\nright_child=-1 -3\nleaf_value=1.5 -2 0.25\nleaf_weight=1 1 1\nshrinkage=1\n\n\n\
                     Tree=1\nnum_leaves=1\nnum_cat=0\nleaf_value=0.5\nshrinkage=1\n\n\nend of trees\n\nfeature_importances:\nprice=1\n";

fn with(price: f64, events: f64) -> Features {
    let mut features = [0.0; NAMES.len()];
    for (name, value) in [("price", price), ("user_events", events)] {
        features[NAMES.iter().position(|known| *known == name).unwrap()] = value;
    }
    features
}

#[test]
fn leaves_add_up_to_log_odds() {
    let model = Model::parse(SMALL).unwrap();
    assert_eq!(model.trees(), 2);
    for (price, events, sum) in [(0.0, 5.0, 2.0), (2.0, 4.5, -1.5), (2.1, 4.5, 0.75)] {
        let odds: f64 = 1.0 / (1.0 + f64::exp(-sum));
        assert!((model.score(&with(price, events)) - odds).abs() < 1e-15, "{price} {events}");
    }
    assert!(model.name().starts_with("lightgbm-"));
}

#[test]
fn the_shipped_model_is_one() {
    let model = Model::shipped().unwrap();
    let score = model.score(&[0.0; NAMES.len()]);
    assert!((0.0..=1.0).contains(&score));
}

/// What `LightGBM` itself made of rows when the model was trained.
#[test]
fn the_shipped_model_scores_as_it_does_in_lightgbm() {
    #[derive(serde::Deserialize)]
    struct Example {
        features: Vec<f64>,
        score: f64,
    }
    let model = Model::shipped().unwrap();
    let mut rows = 0;
    for line in include_str!("../../../pipeline/model/examples.ndjson").lines() {
        let Example { features, score } = serde_json::from_str(line).unwrap();
        let features: Features = features.try_into().unwrap();
        assert!((model.score(&features) - score).abs() < 1e-12, "{features:?}: {score}");
        rows += 1;
    }
    assert!(rows >= 100, "{rows}");
}

#[test]
fn what_is_damaged_or_asks_for_more_is_refused_with_the_reason() {
    let refused = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        Model::parse(&SMALL.replacen(from, to, 1)).unwrap_err().to_string()
    };
    let damaged = "the model is damaged or none of LightGBM's: ";
    assert_eq!(Model::parse("").unwrap_err().to_string(), format!("{damaged}line 1: it does not begin with \"tree\""));
    assert!(refused("end of trees", "end").contains("it ends before \"end of trees\""));
    assert!(
        refused("price user_events", "price color")
            .starts_with("the model wants the feature \"color\", which nobody computes")
    );
    assert_eq!(
        refused("threshold=4.5 2", "threshold=4.5"),
        format!("{damaged}line 17: threshold= has 1 numbers and not 2")
    );
    assert!(refused("left_child=1 -2", "left_child=0 -2").contains("node 0 has the child 0, which cannot be"));
    assert!(refused("right_child=-1 -3", "right_child=-1 -4").contains("node 1 has the child -4, which cannot be"));
    assert!(refused("split_feature=1 0", "split_feature=2 0").contains("node 0 splits by feature 2 of 2"));
    assert!(refused("leaf_value=1.5 -2 0.25", "leaf_value=1.5 nan 0.25").contains("a leaf's value is no number"));
    assert!(refused("Tree=1", "Tree=7").contains("Tree=7 stands where Tree=1 has to"));
    assert!(refused("num_leaves=3", "num_leaves=99999999").contains("a model has 1 to"));
    assert!(refused("num_leaves=3", "num_leaves=0").contains("a model has 1 to"));
    assert!(refused("binary sigmoid:1", "regression").contains("has the objective \"regression\""));
    assert!(refused("binary sigmoid:1", "binary sigmoid:-1").contains("its sigmoid is none"));
    assert!(refused("num_class=1", "num_class=3").contains("several classes"));
    assert!(refused("num_cat=0", "num_cat=1").contains("splits by categories"));
    assert!(refused("decision_type=2 2", "decision_type=2 1").contains("splits by categories"));
    assert!(refused("max_feature_idx=1", "max_feature_idx=5").contains("has 2 names, and max_feature_idx=5"));
    assert!(Model::load(std::path::Path::new("no-such-model")).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn what_is_missing_goes_where_the_node_says() {
    let of = |decision: &str| Model::parse(&SMALL.replacen("decision_type=2 2", decision, 1)).unwrap();
    // The first node splits by the number of events: below 4.5 to the left, which here ends at a price.
    let right = 1.0 / (1.0 + f64::exp(-2.0));
    let is_right = |model: &Model, events| (model.score(&with(1.0, events)) - right).abs() < 1e-15;
    assert!(is_right(&of("decision_type=8 2"), f64::NAN) && !is_right(&of("decision_type=10 2"), f64::NAN));
    assert!(is_right(&of("decision_type=4 2"), 0.0) && !is_right(&of("decision_type=6 2"), 0.0));
    assert!(!is_right(&of("decision_type=0 2"), f64::NAN), "not a number counts as 0 where nothing is missing");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(cut in 0..SMALL.len(), put in "[ -~\n]{0,8}") {
        let text = format!("{}{put}{}", &SMALL[..cut], &SMALL[(cut + put.len()).min(SMALL.len())..]);
        if let Ok(model) = Model::parse(&text) {
            let score = model.score(&with(1.0, 1.0));
            prop_assert!((0.0..=1.0).contains(&score));
        }
    }
}
